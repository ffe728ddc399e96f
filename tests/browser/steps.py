"""What a person does on the pages, in words of the pages."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.stack import Stack


def log_in(page: Page, stack: Stack, number: str) -> None:
    """From the landing page to whatever comes after the code."""
    before = len(stack.messages(number))
    page.goto("/")
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Mobile phone").fill(number)
    page.get_by_role("button", name="Text me a code").click()
    page.get_by_label("Code").fill(stack.code(number, after=before))
    page.get_by_role("button", name="Continue").click()


def link_bank(page: Page, bank: str = "First Platypus Bank") -> None:
    """Through the bank's hosted page and back."""
    page.get_by_role("button", name="Link a bank").click()
    page.get_by_role("button", name=bank).click()
    page.get_by_role("button", name="Share with PaYa").click()
    expect(page.get_by_text("is linked.").first).to_be_visible()


def pay(page: Page, to: str, amount: str, note: str = "", visibility: str = "Public") -> None:
    """Fill in the form and press the button."""
    page.goto("/pay")
    page.get_by_label("Amount in dollars").fill(amount)
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("What for").fill(note)
    choose(page, visibility)
    pay_button(page).click()


def pay_button(page: Page) -> Locator:
    return page.locator("form[data-pay] button.button-go")


def choose(page: Page, visibility: str) -> None:
    """One of the two visibilities, as somebody would press it."""
    page.locator("label.choice", has_text=re.compile(rf"^\s*{visibility}")).click()


def balance(page: Page) -> Locator:
    return page.locator('[data-balance="available"] [data-figure="whole"]')


def live(page: Page) -> None:
    """The feed of this page is connected."""
    expect(page.locator("[data-live-words]").first).to_have_text("live")


def feed(page: Page) -> Locator:
    return page.locator("[data-feed-list]")


def queue_by_keys(page: Page, queue: str) -> None:
    """Down and up the staff's queue, into a case, to its note and out of it again, back, and to all queues, without a mouse."""

    def at(address: str | re.Pattern[str]) -> None:
        expect(page).to_have_url(address)
        page.wait_for_load_state()  # the address changes before the page's scripts listen to keys

    page.goto(f"{queue}?state=all")
    rows, search = page.locator("#result_list tbody tr"), page.locator("input[name=q]").first
    for key, row in (("j", 0), ("ArrowDown", 1), ("j", 2), ("k", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(rows.nth(row).locator("a").first).to_be_focused()
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type("jk")  # quiet while somebody types
    expect(search).to_have_value("jk")
    search.blur()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    at(re.compile(r"/case/.+/change/"))
    page.keyboard.press("n")
    at(re.compile(r"/do/note/$"))
    reason = page.locator("textarea[name=reason]")
    expect(reason).to_be_focused()
    page.keyboard.type("u")  # a letter, and no way back
    page.keyboard.press("Escape")
    expect(reason).not_to_be_focused()
    expect(reason).to_have_value("u")  # what was begun is not lost by one key
    page.keyboard.press("Escape")
    at(re.compile(r"/change/$"))
    page.keyboard.press("u")
    at(f"{queue}?state=all")  # as it was left
    page.goto(queue.partition("console/")[0])
    page.keyboard.press("q")
    at(re.compile(r"/admin/queues/$"))
