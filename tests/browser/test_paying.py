"""The pay form under impatient fingers, keys instead of fingers, and the button that goes back."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPhone
from tests.browser.steps import balance, feed, live, pay, pay_button
from tests.stack import Stack, new_phone


def _fill(page: Page, to: str, amount: str, note: str = "") -> None:
    page.goto("/pay")
    page.get_by_label("Amount in dollars").fill(amount)
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("What for").fill(note)


def test_a_double_click_pays_once(phone: OpenPhone, stack: Stack) -> None:
    payer, payee = stack.person(money=1000), stack.person()
    page = phone(payer)
    _fill(page, payee.username, "2")
    pay_button(page).dblclick()
    expect(page.get_by_text(f"Paid. @{payee.username} has it now.")).to_be_visible()
    assert len(payer.get("/v1/payments").json()["data"]) == 2  # this one, and what payer started with
    assert payer.balance["available"] == 800


def test_a_double_click_without_javascript_pays_once(phone: OpenPhone, stack: Stack) -> None:
    payer, payee = stack.person(money=1000), stack.person()
    page = phone(payer, java_script_enabled=False)
    _fill(page, payee.username, "2")
    pay_button(page).dblclick()
    expect(page.get_by_text(f"Paid. @{payee.username} has it now.")).to_be_visible()
    assert payer.balance["available"] == 800


def test_a_form_that_came_into_the_page_later_is_sent_once(phone: OpenPhone, stack: Stack) -> None:
    """As htmx puts one there: what shuts a form after the first click was there before it."""
    page = phone(stack.person())
    page.goto("/settings")
    form = page.locator("main form").first
    form.evaluate("form => form.replaceWith(form.cloneNode(true))")
    page.route("**/settings", lambda route: route.abort("aborted"))  # no answer: the page stays
    form.get_by_role("button").click()
    expect(form.get_by_role("button", name="Saving…")).to_be_disabled()


def test_going_back_after_paying_and_changing_the_amount_never_pays_by_surprise(phone: OpenPhone, stack: Stack) -> None:
    payer, payee = stack.person(money=1000), stack.person()
    page = phone(payer)
    pay(page, payee.username, "2", "first")
    expect(page.get_by_text("Paid.")).to_be_visible()
    page.reload()
    assert payer.balance["available"] == 800

    page.go_back()
    expect(pay_button(page)).to_be_enabled()
    assert payer.balance["available"] == 800
    page.get_by_label("Amount in dollars").fill("3")
    page.get_by_label("To", exact=True).fill(payee.username)
    pay_button(page).click()
    expect(page).to_have_url(re.compile("/payments/pay_.*paid=1"))
    expect(page.locator(".receipt-amount")).to_contain_text("$3.00")
    assert payer.balance["available"] == 500


def test_a_form_that_was_sent_before_asks_before_it_pays_again(phone: OpenPhone, stack: Stack) -> None:
    """The same page open twice, say: its key has paid already, so another amount is asked about once."""
    payer, payee = stack.person(money=1000), stack.person()
    page = phone(payer, java_script_enabled=False)
    _fill(page, payee.username, "2")
    key = page.locator("[name=key]").input_value()
    visibility = {"to": f"@{payee.username}", "amount": 100, "note": "", "visibility": "public"}
    assert payer.post("/v1/payments", visibility, key=key).status_code == 201
    pay_button(page).click()
    expect(page.locator("#__all__-error")).to_contain_text("You have already sent this form.")
    assert payer.balance["available"] == 900
    pay_button(page).click()
    expect(page.get_by_text("Paid.")).to_be_visible()
    assert payer.balance["available"] == 700


def test_refusals_are_words_beside_their_field_and_pay_nothing(phone: OpenPhone, stack: Stack) -> None:
    payer, payee = stack.person(money=500), stack.person()
    page = phone(payer)
    for to, amount, note, field, words in [
        (payer.username, "1", "", "to", "You cannot pay yourself."),
        (payee.username, "5.01", "", "amount", "You have $5.00."),
        (payee.username, "0", "", "amount", "The amount must be above zero."),
        (payee.username, "1.005", "", "amount", "Type an amount like 25 or 25.75."),
        (payee.username, "99999999999", "", "amount", "That is more than we can move."),
        (payee.username, "1", "x" * 201, "note", "A note has at most 200 characters; this one has 201."),
    ]:
        _fill(page, to, amount, note)
        pay_button(page).click()
        expect(page.locator(f"#{field}-error")).to_contain_text(words)
        expect(page.get_by_label("To", exact=True)).to_have_value(to)
    assert payer.balance["available"] == 500


def test_the_form_shows_whom_it_will_pay_and_says_so_on_the_button(phone: OpenPhone, stack: Stack) -> None:
    name = f"zoe_{new_phone()[-4:]}"
    payer, _ = stack.person(money=500), stack.person(name, name="Zoë Ødegård")
    page = phone(payer)
    page.goto("/pay")
    page.get_by_label("Amount in dollars").fill("1,000.5")
    to = page.get_by_label("To", exact=True)
    to.press_sequentially(name[:6])
    page.get_by_role("option", name="Zoë Ødegård").first.click()
    expect(page.locator("#payee")).to_contain_text(f"You have never paid @{name}.")
    expect(pay_button(page)).to_have_text("Pay Zoë $1,000.50")
    to.fill("maya")
    to.press("Tab")
    expect(page.locator("#payee")).to_contain_text("Maya Lindqvist")


def test_logging_in_and_paying_by_keyboard_alone(phone: OpenPhone, stack: Stack) -> None:
    payer, payee = stack.person(money=500), stack.person(f"kim_{new_phone()[-4:]}", name="Kim Keys")
    page = phone()
    before = len(stack.messages(payer.phone))
    page.goto("/login")
    page.wait_for_timeout(2_100)  # two seconds between codes for one phone: the rule itself
    page.keyboard.type(payer.phone)  # the field has the focus already
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type(stack.code(payer.phone, after=before))
    page.keyboard.press("Enter")
    expect(balance(page)).to_have_text("$5.00")

    _tab_to(page, "Pay")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Amount in dollars")).to_be_focused()
    page.keyboard.type("1.25")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.id") != "to":
        page.keyboard.press("Tab")
    page.keyboard.type(payee.username[:6])
    expect(page.get_by_role("option", name="Kim Keys")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("To", exact=True)).to_have_value(payee.username)
    page.keyboard.press("Tab")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", checked=True)).to_have_value("private")
    page.keyboard.press("Tab")
    expect(pay_button(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Paid. @{payee.username} has it now.")).to_be_visible()


def _tab_to(page: Page, name: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"no way to {name} by keyboard")


def test_a_payment_made_private_leaves_an_open_feed(phone: OpenPhone, stack: Stack) -> None:
    payer, payee = stack.person(money=500), stack.person()
    watcher = phone()
    watcher.goto("/")
    live(watcher)
    sent = payer.pay(payee.username, 100, "not for long")
    expect(feed(watcher)).to_contain_text("not for long")
    page = phone(payee)
    page.goto(f"/payments/{sent['id']}")
    page.get_by_text("Make it private").first.click()
    page.get_by_role("button", name="Yes, make it private").click()
    expect(page.locator(".facts")).to_contain_text(f"Only you and @{payer.username}")
    expect(feed(watcher)).not_to_contain_text("not for long")
