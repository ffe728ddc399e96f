"""The main path with JavaScript switched off: plain forms and links carry all of it."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPhone
from tests.browser.steps import balance, choose, link_bank, log_in, pay
from tests.stack import Stack, new_phone, wait_until


def test_the_main_path_needs_no_script(phone: OpenPhone, stack: Stack) -> None:
    ben = stack.person()
    page = phone(java_script_enabled=False)
    log_in(page, stack, new_phone())
    page.get_by_label("Your @username").fill(f"nora_{new_phone()[-4:]}")
    page.get_by_label("Your name").fill("Nora Quiet")
    choose(page, "Public")
    page.get_by_role("button", name="Open my wallet").click()
    expect(page.get_by_role("heading", name="Your balance")).to_be_visible()

    link_bank(page)
    page.goto("/load")
    page.get_by_label("Amount in dollars").fill("30")
    with stack.one_more_transfer():
        page.get_by_role("button", name="Load", exact=True).click()
        expect(page.locator("#transfer")).to_contain_text("Arrives by")
    stack.advance(3)
    wait_until(lambda: _settled(page, "In your wallet."), "the load")

    pay(page, ben.username, "4.5", "paper and ink")
    expect(page.get_by_text(f"Paid. @{ben.username} has it now.")).to_be_visible()
    assert ben.balance["available"] == 450

    page.goto("/redeem")
    page.get_by_label("Amount in dollars").fill("5.50")
    with stack.one_more_transfer():
        page.get_by_role("button", name="Redeem", exact=True).click()
        expect(page.locator("#transfer")).to_contain_text("It has left your wallet.")
    stack.advance(1)
    wait_until(lambda: _settled(page, "At your bank."), "the redemption")
    page.goto("/")
    expect(balance(page)).to_have_text("$20.00")
    page.goto("/settings")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Get started")).to_be_visible()


def _settled(page: Page, words: str) -> bool:
    page.reload()
    return words in page.locator("#transfer").inner_text()
