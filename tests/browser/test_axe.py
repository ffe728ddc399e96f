"""axe finds nothing on any page: WCAG 2 A and AA and its best practices, on a phone and a desk, light and dark.

A page is opened once and looked at twice: all rules are asked of the phone in the light and of the desk in the dark. The
size changes what is shown, the theme its colours, and neither what the other does. What is shown at one size only (the
bars) is the same on all pages: the first page of each list is looked at in all four ways.
"""

import json

import pytest
import requests
from axe_playwright_python.base import AXE_SCRIPT
from django_otp.oath import totp
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, OpenPhone
from tests.browser.steps import pay_button, queue_by_keys
from tests.stack import Stack, Visitor, new_phone, wait_until

DESK = {"width": 1280, "height": 900}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
EVERYTHING = [*WCAG, "wcag22aa", "best-practice"]
CONTRAST = ["color-contrast"]
LIGHT, DARK = "light", "dark"
STILL = {"reduced_motion": "reduce"}  # no colour is measured on its way to another


def found(page: Page, rules: list[str] = EVERYTHING, *, all_four: bool = False, at_loading: bool = False) -> list[str]:
    """What axe complains of at this page in its looks: the rule, where, and what is wrong.

    `at_loading`: for pages that ask for the theme only when they are loaded.
    """
    complaints = []
    looks = [(PHONE, LIGHT, rules), (DESK, DARK, rules)]
    if all_four:
        looks += [(PHONE, DARK, CONTRAST), (DESK, LIGHT, CONTRAST)]
    for size, scheme, asked in looks:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        if at_loading:
            page.reload()
            expect(page.locator("html.dark")).to_have_count(1 if scheme == DARK else 0)
        page.evaluate("() => new Promise(requestAnimationFrame)")  # scripts hear of it with the next frame
        complaints += [f"{size['width']} {scheme} {words}" for words in violations(page, asked)]
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    return complaints


def violations(page: Page, rules: list[str]) -> list[str]:
    """Through the debugger's door, which a strict Content-Security-Policy does not close."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], "runOnly": rules}
    found_here = page.evaluate("options => axe.run(options).then(results => results.violations)", options)
    return [
        f"{page.url}: {violation['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for violation in found_here
        for node in violation["nodes"]
    ]


def all_of(page: Page, *paths: str) -> list[str]:
    complaints = []
    for path in paths:
        page.goto(path)
        complaints += found(page, all_four=path == paths[0])
    return complaints


@pytest.fixture(scope="module")
def resident(stack: Stack) -> Visitor:
    """Somebody with a bank, money, payments in both directions, and loads and a redemption at every stage."""
    person = stack.person(money=2000, bank=True, name="Rosa Delgado-Whittaker")
    person.pay("theo", 100, "w" * 200)
    return person


@pytest.fixture(scope="module")
def own_pages(stack: Stack, resident: Visitor) -> list[str]:
    settled, redeemed = resident.transfer("loads", 900), resident.transfer("redemptions", 300)
    stack.advance(3)
    wait_until(lambda: resident.status_of("loads", settled["id"]) == "settled", "the load")
    wait_until(lambda: resident.status_of("redemptions", redeemed["id"]) == "settled", "the redemption")
    under_way = resident.transfer("loads", 700)
    payments = resident.get("/v1/payments").json()["data"]
    ticket = resident.post("/v1/tickets", {"subject": "Where is it?", "message": "It should be here.\n\nIs it?"}).json()["id"]
    report = {"about": payments[0]["id"], "kind": "duplicate", "message": "Twice"}
    dispute = resident.post("/v1/disputes", report).json()["id"]
    return [
        "/", "/feed", "/pay", "/pay?to=theo&amount=5", "/pay?to=nobody_at_all", "/activity", "/activity?show=in",
        "/activity?on=2026-01-01", "/banks", "/load", "/redeem", "/rewards", "/settings", "/settings/devices", "/transparency",
        "/settings/privacy", "/settings/privacy/close", "/terms", "/privacy", "/privacy/1",
        "/limits", "/identity", "/identity/documents",
        "/transparency/proof", "/transparency/attestations",
        f"/loads/{settled['id']}", f"/loads/{under_way['id']}", f"/redemptions/{redeemed['id']}",
        *(f"/payments/{payment['id']}" for payment in payments), f"/payments/{payments[0]['id']}?paid=1",
        "/payments/pay_nothing", "/logout", "/help", f"/help/{ticket}", f"/disputes/{dispute}", "/appeal",
        f"/disputes/new?about={settled['id']}",
    ]  # fmt: skip


def test_what_a_visitor_sees(phone: OpenPhone) -> None:
    page = phone(**STILL)
    complaints = all_of(page, "/", "/feed", "/transparency", "/login", "/status", "/no-such-page", "/logout")
    page.goto("/feed")
    page.locator("[data-older]").click()
    expect(page.get_by_role("heading", name="Older payments")).to_be_visible()
    complaints += found(page)
    page.goto("/login")
    page.get_by_label("Mobile phone").fill("12")
    page.keyboard.press("Enter")
    expect(page.locator("#phone-error")).to_be_visible()
    complaints += found(page)
    assert complaints == []


def test_what_somebody_new_sees(phone: OpenPhone, stack: Stack) -> None:
    """The code, the welcome page with and without its errors, and every page while it is still empty."""
    newcomer = stack.newcomer()
    page = phone(**STILL)
    page.goto("/login")
    page.get_by_label("Mobile phone").fill(new_phone())
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_be_visible()
    complaints = found(page)
    page.context.add_cookies([newcomer.session_cookie])  # type: ignore[list-item]
    complaints += all_of(page, "/welcome")
    page.get_by_label("Your @username").press_sequentially("maya")
    expect(page.locator("#username-check")).to_contain_text("taken")
    page.locator("main form").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Open my wallet").click()
    expect(page.locator("#display_name-error")).to_be_visible()
    complaints += found(page)
    page.context.clear_cookies()
    page.context.add_cookies([stack.person().session_cookie])  # type: ignore[list-item]
    complaints += all_of(page, "/", "/pay", "/activity", "/banks", "/load", "/redeem", "/settings", "/settings/devices")
    assert complaints == []


def test_what_a_resident_sees(phone: OpenPhone, resident: Visitor, own_pages: list[str]) -> None:
    assert all_of(phone(resident, **STILL), *own_pages) == []


def test_what_opens_and_what_is_refused(phone: OpenPhone, resident: Visitor) -> None:
    """The list of people, a payee, a refused payment, a refused redemption, and what lies behind a "details"."""
    page = phone(resident, **STILL)
    page.goto("/pay")
    page.get_by_label("Amount in dollars").fill("99999")
    page.get_by_label("To", exact=True).press_sequentially("the")
    expect(page.get_by_role("option").first).to_be_visible()
    complaints = found(page)
    page.get_by_role("option").first.click()
    expect(page.locator(".payee")).to_be_visible()
    complaints += found(page)
    pay_button(page).click()
    expect(page.locator("#amount-error")).to_be_visible()
    complaints += found(page)
    page.goto("/redeem")
    page.get_by_label("Amount in dollars").fill("99999")
    page.keyboard.press("Enter")
    expect(page.locator("#amount-error")).to_be_visible()
    complaints += found(page)
    for path in ("/banks", "/settings/devices", "/activity"):
        page.goto(path)
        page.locator("summary").first.click()
        complaints += found(page)
    assert complaints == []


def test_the_weekly_share_of_somebody_who_was_there(phone: OpenPhone, stack: Stack) -> None:
    """Of the demo network: weeks that were paid, one of them with its figures, what one asked, and the year."""
    theo = stack.log_in("+12125550102")
    weeks = theo.get("/v1/rewards").json()["data"]
    assert {week["status"] for week in weeks} >= {"paid"}
    page = phone(theo, **STILL)
    complaints = all_of(page, "/rewards", f"/rewards/year/{weeks[0]['week'][:4]}", f"/rewards/{weeks[0]['week']}")
    page.locator("summary").first.click()
    page.get_by_label("Tell our staff").fill("Is this right?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Our staff have it.")).to_be_visible()
    complaints += found(page)
    assert complaints == []


def test_home_of_somebody_who_is_frozen(phone: OpenPhone, stack: Stack) -> None:
    frozen = stack.person(money=500)
    stack.freeze(frozen, "sending", "Please call us about your new phone.")
    frozen.post("/v1/appeals", {"about": "", "message": "Please look again."})
    letter = frozen.get("/v1/messages").json()["data"][0]["id"]
    assert all_of(phone(frozen, **STILL), "/", "/appeal", "/messages", f"/messages/{letter}", "/withdraw") == []


def test_the_sandbox(phone: OpenPhone, stack: Stack) -> None:
    """Its phone, its bank and the pages on which a bank is linked."""
    page = phone(stack.person(), **STILL)
    at = [stack.sandbox_url + path for path in ("/", "/phone", "/phone?number=%2B14155550199", "/bank", "/no-such-page")]
    complaints = all_of(page, *at)
    page.goto("/banks")
    page.get_by_role("button", name="Link a bank").click()
    expect(page.get_by_role("heading", name="Choose your bank")).to_be_visible()
    complaints += found(page)
    for bank in ("Bank of Bad Luck", "First Platypus Bank"):
        page.get_by_role("button", name=bank).click()
        expect(page.get_by_role("heading", name="Choose accounts")).to_be_visible()
        complaints += found(page)
        page.get_by_role("link", name="Choose another bank").click()
    page.get_by_role("button", name="Leave without linking").click()
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()
    complaints += found(page)
    assert complaints == []


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_the_page_of_the_api(phone: OpenPhone, scheme: str) -> None:
    """Of Swagger UI's own markup the order of headings, links within buttons and a head outside of landmarks stay."""
    page = phone(color_scheme=scheme, **STILL)
    page.goto("/docs/api/")
    expect(page.get_by_text("/v1/payments").first).to_be_visible()
    theirs = ("heading-order", "nested-interactive", "region")
    assert [words for words in violations(page, EVERYTHING) if not any(f": {rule} at" in words for rule in theirs)] == []


def test_the_staffs_site(phone: OpenPhone, stack: Stack) -> None:
    """WCAG 2 A and AA; its landmarks and the size of its small icons are the theme's."""
    site = f"http://127.0.0.1:{stack.running.port + 3}"
    wait_until(lambda: _answers(f"{site}/healthz"), "the staff's site")
    staff = json.loads((stack.running.data / "secrets.json").read_text())["staff"]
    page = phone(**STILL)
    page.goto(f"{site}/admin/login/")
    complaints = found(page, WCAG, at_loading=True)
    for label, text in (("E-mail", staff["email"]), ("Password", staff["password"])):
        page.get_by_label(label).fill(text)
    page.get_by_label("Code").fill(f"{totp(bytes.fromhex(staff['totp'])):06d}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The books")).to_be_visible()
    complaints += found(page, WCAG, at_loading=True)
    for path in ("queues/", "report/?from=2026-01-01&to=2026-01-31&format=page"):
        complaints += _at(page, f"{site}/admin/{path}")
    for records in ("person", "freeze", "withdrawal", "transfer", "case", "hit", "flag", "ticket", "personappeal", "dispute"):
        page.goto(f"{site}/admin/console/{records}/")
        complaints += found(page, WCAG, at_loading=True)
        page.locator("#result_list tbody a").first.click()
        complaints += found(page, WCAG, at_loading=True)
    assert complaints == []
    queue_by_keys(page, f"{site}/admin/console/case/")


def _at(page: Page, url: str) -> list[str]:
    page.goto(url)
    return found(page, WCAG, at_loading=True)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    ("breaking", "rule"),
    [
        ("document.querySelector('label[for=phone]').remove(); document.querySelector('#phone').placeholder = ''", "label"),
        ("document.querySelector('.hint').style.color = '#cccccc'", "color-contrast"),
        ("document.querySelector('h1').remove()", "page-has-heading-one"),
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
    ],
)
def test_axe_does_find_what_is_wrong(phone: OpenPhone, breaking: str, rule: str) -> None:
    """The control: the same look at a page that was broken on purpose."""
    page = phone(**STILL)
    page.goto("/login")
    assert violations(page, EVERYTHING) == []
    page.evaluate(breaking)
    assert any(f": {rule} at" in words for words in violations(page, EVERYTHING))
