"""The whole main job as two people do it at once, on phones."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPhone
from tests.browser.steps import balance, choose, feed, link_bank, live, log_in, pay
from tests.stack import Stack, new_phone


def test_sign_up_load_pay_and_redeem_while_somebody_watches(phone: OpenPhone, stack: Stack) -> None:
    ben = stack.person(name="Ben Ito")
    his = phone(ben)
    his.goto("/")
    live(his)

    hers = phone()
    log_in(hers, stack, new_phone())
    name = _welcome(hers)
    expect(balance(hers)).to_have_text("$0.00")

    link_bank(hers)
    _load(hers, stack)
    _pay_nobody(hers)
    _pay_in_public(hers, his, ben.username)
    _pay_in_private(hers, his, ben.username, phone())
    _look_back(hers)
    _redeem(hers, stack)
    _leave(hers, name)


def _welcome(page: Page) -> str:
    """Both visibilities are explained and neither is chosen; the name says at once whether it is free."""
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)
    expect(page.get_by_text("Never the amount.")).to_be_visible()
    expect(page.get_by_text("Only you and the other person see the payment.")).to_be_visible()
    page.wait_for_load_state()  # what is typed before the scripts are there is checked on leaving the field
    username = page.get_by_label("Your @username")
    username.press_sequentially("maya")
    expect(page.locator("#username-check")).to_contain_text("taken")
    username.fill("")
    username.press_sequentially(name := f"ana_{new_phone()[-4:]}")
    expect(page.locator("#username-check")).to_contain_text(f"@{name} is free")
    page.get_by_label("Your name").fill("Ana Sofía Ruiz")
    page.get_by_role("button", name="Open my wallet").click()
    expect(page).to_have_url(re.compile("/welcome$"))  # the browser asks for the choice that is still missing
    choose(page, "Public")
    page.get_by_role("button", name="Open my wallet").click()
    expect(page.get_by_role("heading", name="Your balance")).to_be_visible()
    return name


def _load(page: Page, stack: Stack) -> None:
    """The date is named before and after; the balance arrives on an open page."""
    page.goto("/load")
    expect(page.locator("#amount-hint")).to_contain_text("Arrives by")
    page.get_by_label("Amount in dollars").fill("80")
    with stack.one_more_transfer():
        page.get_by_role("button", name="Load $80.00").click()
        expect(page.get_by_text("You can spend it once it is here.")).to_be_visible()
    page.get_by_role("link", name="Home", exact=True).last.click()
    expect(page.locator("#pending")).to_contain_text("$80.00 from First Platypus Bank arrives by")
    expect(balance(page)).to_have_text("$0.00")
    live(page)
    stack.advance(3)
    expect(balance(page)).to_have_text("$80.00", timeout=15_000)
    expect(page.locator("#pending")).not_to_contain_text("arrives by")
    expect(page.locator(".toast")).to_contain_text("$80.00")


def _pay_nobody(page: Page) -> None:
    pay(page, "nobody_at_all", "5")
    expect(page.locator("#to-error")).to_contain_text("Nobody here is called @nobody_at_all.")
    expect(page.get_by_label("Amount in dollars")).to_have_value("5")


def _pay_in_public(hers: Page, his: Page, to: str) -> None:
    pay(hers, to, "12.34", "pho & <b>coffee</b> ☕")
    expect(hers.get_by_text(f"Paid. @{to} has it now.")).to_be_visible()
    expect(hers.locator(".facts")).to_contain_text("$67.66")
    first = feed(his).locator("li").first
    expect(first).to_contain_text("Ana Sofía Ruiz paid Ben Ito", timeout=3_000)
    expect(first.locator(".feed-note")).to_have_text("pho & <b>coffee</b> ☕")
    expect(first).not_to_contain_text("12.34")
    expect(balance(his)).to_have_text("$12.34")
    expect(his.locator(".toast")).to_contain_text("Ana Sofía Ruiz paid you $12.34")


def _pay_in_private(hers: Page, his: Page, to: str, stranger: Page) -> None:
    """It reaches his balance and nobody's feed: a public one made after it is there, and it is not."""
    pay(hers, to, "7", "between us", "Private")
    expect(hers.locator(".facts")).to_contain_text(f"Only you and @{to}")
    expect(balance(his)).to_have_text("$19.34")
    pay(hers, to, "1", "and this is for everyone")
    expect(feed(his).locator("li").first).to_contain_text("and this is for everyone")
    expect(feed(his)).not_to_contain_text("between us")
    stranger.goto("/feed")
    expect(feed(stranger)).to_contain_text("and this is for everyone")
    expect(feed(stranger)).not_to_contain_text("between us")


def _look_back(page: Page) -> None:
    page.goto("/activity")
    rows = page.locator("#activity .row")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("−$1.00")
    expect(rows.first).to_contain_text("$59.66")
    expect(rows.last).to_contain_text("Loaded from your bank")
    expect(rows.last).to_contain_text("+$80.00")
    rows.nth(1).click()
    expect(page.locator(".receipt")).to_contain_text("between us")


def _redeem(page: Page, stack: Stack) -> None:
    page.goto("/redeem")
    page.get_by_label("Amount in dollars").fill("20")
    with stack.one_more_transfer():
        page.get_by_role("button", name="Redeem $20.00").click()
        expect(page.locator("#transfer")).to_contain_text("Arrives by")
    expect(page.locator("#transfer")).to_contain_text("It has left your wallet.")
    stack.advance(1)
    expect(page.locator("#transfer")).to_contain_text("At your bank.", timeout=15_000)
    page.goto("/")
    expect(balance(page)).to_have_text("$39.66")


def _leave(page: Page, name: str) -> None:
    page.get_by_role("link", name="You", exact=True).last.click()
    expect(page.get_by_text(f"@{name}").first).to_be_visible()
    page.get_by_label("Your name").fill("Ana Ruiz")
    choose(page, "Private")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Ana Ruiz")).to_be_visible()
    expect(page.get_by_role("radio", checked=True)).to_have_value("private")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Get started")).to_be_visible()
    page.goto("/activity")
    expect(page).to_have_url(re.compile(r"/login\?next="))
