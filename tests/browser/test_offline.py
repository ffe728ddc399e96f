"""Without a connection a page says so in a sentence, and keeps what was typed."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenPhone
from tests.browser.steps import pay_button
from tests.stack import Stack


def test_a_form_that_cannot_be_sent_says_so_and_can_be_sent_later(phone: OpenPhone, stack: Stack) -> None:
    payer, payee = stack.person(money=500), stack.person()
    page = phone(payer)
    page.goto("/pay")
    page.get_by_label("Amount in dollars").fill("2")
    page.get_by_label("To", exact=True).fill(payee.username)
    page.get_by_label("What for").fill("from a tunnel")
    expect(page.locator(".payee")).to_be_visible()
    page.context.set_offline(True)
    for _ in range(2):
        pay_button(page).click()
        expect(page.get_by_text("You are offline. Nothing was sent.")).to_have_count(1)
    expect(page.get_by_label("What for")).to_have_value("from a tunnel")
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_have_count(0)
    pay_button(page).click()
    expect(page.get_by_text(f"Paid. @{payee.username} has it now.")).to_be_visible()
    assert payer.balance["available"] == 300


def test_what_cannot_be_looked_up_says_so(phone: OpenPhone, stack: Stack) -> None:
    page = phone(stack.patron)
    page.goto("/pay")
    page.context.set_offline(True)
    page.get_by_label("To", exact=True).fill("theo")
    page.get_by_label("What for").focus()
    expect(page.locator("#payee")).to_have_text("This cannot be checked without a connection.")
    page.context.set_offline(False)
    page.get_by_label("To", exact=True).fill("ada")
    page.get_by_label("What for").focus()
    expect(page.locator("#payee")).to_contain_text("@ada")
