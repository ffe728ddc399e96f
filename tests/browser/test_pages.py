"""What holds of every page: it opens, fits a phone, complains of nothing, is light, and belongs to whom it should."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPhone
from tests.browser.steps import feed, live
from tests.stack import Stack

OPEN = ["/", "/feed", "/login", "/transparency", "/no-such-page"]
OWN = ["/", "/feed", "/pay", "/pay?to=theo&amount=5", "/activity", "/banks", "/load", "/redeem", "/settings", "/transparency",
       "/transparency/proof"]  # fmt: skip
FIRST_LOAD = 100_000  # bytes


def test_every_page_fits_and_is_quiet(phone: OpenPhone, stack: Stack) -> None:
    """No sideways scrolling, one heading, and (see the fixture) nothing in the console."""
    person = stack.person(money=500, bank=True)
    person.pay("theo", 100, "w" * 200)
    load, payment = person.transfer("loads", 900), person.get("/v1/payments").json()["data"][0]
    own = [*OWN, f"/loads/{load['id']}", f"/payments/{payment['id']}"]
    for page, paths in ((phone(), OPEN), (phone(person), own)):
        for path in paths:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
            assert page.locator("h1").count() == 1, path
            assert page.title(), path


def test_what_belongs_to_somebody_else_is_not_there(phone: OpenPhone, stack: Stack) -> None:
    owner, other = stack.person(money=500, bank=True), stack.person()
    page = phone(other)
    for path in (
        f"/payments/{owner.pay('theo', 100, 'mine', 'private')['id']}",
        f"/loads/{owner.transfer('loads', 500)['id']}",
        f"/redemptions/{owner.transfer('redemptions', 100)['id']}",
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_role("heading", name="Not found")).to_be_visible()
        expect(page.get_by_text("mine")).to_have_count(0)


def test_a_frozen_person_reads_why_on_home_and_where_they_try(phone: OpenPhone, stack: Stack) -> None:
    person = stack.person(money=500, bank=True)
    stack.freeze(person, "sending", "Please call us about your new phone.")
    page = phone(person)
    page.goto("/")
    expect(page.get_by_role("heading", name="You cannot send money for the moment")).to_be_visible()
    expect(page.get_by_text("Please call us about your new phone.")).to_be_visible()
    page.goto("/pay")
    expect(page.get_by_text("Please call us about your new phone.")).to_be_visible()
    expect(page.get_by_label("Amount in dollars")).to_have_count(0)
    page.goto("/withdraw")
    page.get_by_role("button", name="All of it").click()
    expect(page.get_by_label("Amount in dollars")).to_have_value("5.00")
    assert person.balance["available"] == 500


@pytest.mark.parametrize("path", ["/", "/login", "/feed", "/pay", "/transparency"])
def test_a_first_load_is_light(phone: OpenPhone, stack: Stack, path: str) -> None:
    """Bytes on the wire, headers and all, with an empty cache."""
    page = phone(stack.patron)
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    loaded: list[float] = []
    wire.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    assert len(loaded) >= 5
    assert sum(loaded) < FIRST_LOAD


def test_the_api_page_renders_without_breaking_its_own_policy(phone: OpenPhone) -> None:
    page = phone()
    page.goto("/docs/api/")
    expect(page.get_by_text("/v1/payments").first).to_be_visible()


def test_a_page_that_was_offline_catches_up(phone: OpenPhone, stack: Stack) -> None:
    payer, payee = stack.person(money=500), stack.person()
    page = phone()
    page.goto("/feed")
    live(page)
    stack.kill("daphne")
    expect(page.locator("[data-live-words]").first).to_have_text("reconnecting…")
    payer.pay(payee.username, 100, "while nobody looked")
    expect(feed(page)).to_contain_text("while nobody looked", timeout=20_000)
    expect(feed(page).locator("li", has_text="while nobody looked")).to_have_count(1)


def test_the_transparency_page_draws_what_its_tables_say_and_moves(phone: OpenPhone, stack: Stack) -> None:
    page = phone()
    page.goto("/transparency?range=90")
    charts = page.locator("[data-chart]")
    charts.first.scroll_into_view_if_needed()
    expect(charts.locator("canvas")).to_have_count(4)
    payments = charts.filter(has=page.get_by_role("heading", name="Payments", exact=True))
    payments.get_by_text("As a table").click()
    newest = payments.locator("tbody tr").first
    value = newest.locator("td").get_attribute("data-value")
    expect(payments.locator("[data-said]")).to_contain_text(f": Payments {value}")
    today = page.locator("#live section", has_text="Payments today").locator(".open-figure")
    before = int(today.inner_text())
    stack.person(money=500).pay("theo", 100, "moves", "private")
    expect(today).not_to_have_text(str(before), timeout=15_000)  # without a reload
    expect(page.locator("#live .as-of")).not_to_have_count(0)
