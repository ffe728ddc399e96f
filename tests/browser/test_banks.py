"""Banks on a phone: by the bank's own site and back, linked again when a login breaks, chosen first, and Plaid down."""

import re

import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPhone
from tests.browser.steps import link_bank
from tests.browser.test_axe import STILL, found
from tests.stack import Stack, Visitor, wait_until


def happens(stack: Stack, mask: str, code: str) -> None:
    answer = requests.post(f"{stack.sandbox_url}/sandbox/plaid/logins", json={"mask": mask, "code": code}, timeout=10)
    assert answer.status_code == 200, answer.text


def plaid_fails(stack: Stack, mode: str | None, path: str = "/link/token/create") -> None:
    body = {"mode": mode, "path": path, "times": 2}
    requests.post(f"{stack.sandbox_url}/sandbox/plaid/fail", json=body, timeout=10).raise_for_status()


def banks(person: Visitor) -> list[dict[str, object]]:
    return list(person.get("/v1/bank-accounts").json()["data"])


def until(person: Visitor, position: int, status: str) -> None:
    wait_until(lambda: banks(person)[position]["status"] == status, f"bank {position} to be {status}")


def shows(page: Page, words: str) -> None:
    """The banks' page says this, once the worker has heard what the bank's news are."""

    def look() -> bool:
        page.goto("/banks")
        return page.get_by_text(words).count() > 0

    wait_until(look, words)


def test_a_bank_with_a_site_of_its_own_and_all_that_may_happen_to_it(phone: OpenPhone, stack: Stack) -> None:
    person = stack.person()
    page = phone(person, **STILL)
    page.goto("/banks")
    _link_by_way_of_the_bank(page)
    expect(page.get_by_text("is linked.").first).to_be_visible()
    page.goto("/banks")
    page.get_by_role("button", name="Link another bank").click()
    page.get_by_role("button", name="First Platypus Bank").click()
    page.get_by_role("button", name="Share with PaYa").click()
    expect(page.get_by_text("is linked.").first).to_be_visible()
    first, second = (str(bank["mask"]) for bank in banks(person))
    page.get_by_role("button", name="Make default").click()
    expect(page.get_by_text("is your default from now on")).to_be_visible()
    assert [bank["default"] for bank in banks(person)] == [False, True]
    page.goto("/load")
    expect(page.locator("label.choice", has_text=second).get_by_role("radio")).to_be_checked()

    happens(stack, first, "ERROR")
    happens(stack, second, "PENDING_DISCONNECT")
    until(person, 0, "relink")
    shows(page, "ends this login on")
    expect(page.get_by_text("wants you to log in again").first).to_be_visible()
    page.get_by_role("button", name=f"Link again Platypus OAuth Bank ending in {first}").click()
    page.get_by_role("button", name="Log in again").click()
    expect(page.get_by_text("works again")).to_be_visible()
    assert [bank["status"] for bank in banks(person)] == ["active", "active"]

    happens(stack, first, "USER_PERMISSION_REVOKED")
    until(person, 0, "revoked")
    shows(page, "taken back")
    page.goto("/redeem")
    expect(page.locator("label.choice", has_text=first).get_by_role("radio")).to_be_disabled()


def test_axe_finds_nothing_on_banks_that_need_something(phone: OpenPhone, stack: Stack) -> None:
    person = stack.person()
    page = phone(person, **STILL)
    for path in ("/banks", "/banks"):
        page.goto(path)
        page.get_by_role("button", name=re.compile("^Link a")).click()
        page.get_by_role("button", name="First Platypus Bank").click()
        page.locator("label.choice").nth(1).click()
        page.get_by_role("button", name="Share with PaYa").click()
        expect(page.get_by_text("is linked.").first).to_be_visible()
    masks = [str(bank["mask"]) for bank in banks(person)]
    happens(stack, masks[3], "USER_PERMISSION_REVOKED")
    happens(stack, masks[1], "PENDING_DISCONNECT")
    until(person, 2, "revoked")
    shows(page, "ends this login on")
    expect(page.get_by_text("taken back").first).to_be_visible()
    expect(page.get_by_role("button", name="Make default")).to_have_count(1)
    assert found(page) == []


def _link_by_way_of_the_bank(page: Page) -> None:
    page.get_by_role("button", name="Link a bank").click()
    page.get_by_role("button", name="Platypus OAuth Bank").click()
    page.get_by_role("button", name="Continue to Platypus OAuth Bank").click()
    expect(page.get_by_role("heading", name="Share your accounts?")).to_be_visible()
    page.get_by_role("button", name="Allow", exact=True).click()
    page.get_by_role("button", name="Share with PaYa").click()


def test_a_person_says_no_at_their_bank(phone: OpenPhone, stack: Stack) -> None:
    page = phone(stack.person(), **STILL)
    page.goto("/banks")
    page.get_by_role("button", name="Link a bank").click()
    page.get_by_role("button", name="Platypus OAuth Bank").click()
    page.get_by_role("button", name="Continue to Platypus OAuth Bank").click()
    page.get_by_role("button", name="Do not allow").click()
    expect(page.get_by_role("heading", name="Choose your bank")).to_be_visible()
    page.get_by_role("button", name="Leave without linking").click()
    expect(page.get_by_text("Nothing was changed")).to_be_visible()


def test_a_bank_that_cannot_be_linked_is_said_with_what_to_do(phone: OpenPhone, stack: Stack) -> None:
    page = phone(stack.person(), **STILL)
    page.goto("/banks")
    page.get_by_role("button", name="Link a bank").click()
    page.get_by_role("button", name="Bank of Closed Doors").click()
    page.get_by_text("The login is locked").click()
    page.get_by_role("button", name="Try to link it").click()
    expect(page.get_by_role("alert")).to_have_text("Your bank has locked this login. Unlock it at your bank, then link it again.")
    assert found(page) == []


def test_linking_does_not_work_and_somebody_wants_to_be_told(phone: OpenPhone, stack: Stack) -> None:
    person = stack.person()
    page = phone(person, **STILL)
    page.goto("/banks")
    plaid_fails(stack, "500")
    try:
        page.get_by_role("button", name="Link a bank").click()
        expect(page.get_by_role("button", name="Tell me when it works")).to_be_visible()
        complaints = found(page)
        page.get_by_role("button", name="Tell me when it works").click()
        expect(page.get_by_text("We will text you once banks can be linked again")).to_be_visible()
    finally:
        plaid_fails(stack, None)
    told = wait_until(lambda: [each for each in stack.messages(person.phone) if "linked again" in each["body"]], "the text", 60)
    assert len(told) == 1
    page.goto("/banks")
    link_bank(page)
    assert complaints == []
