"""A security key at the staff's site, in Chromium with a virtual authenticator: added after a code, it stands in for one."""

import json

import requests
from django_otp.oath import totp
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPhone
from tests.browser.test_axe import STILL, WCAG, found
from tests.stack import Stack, wait_until

DESK = {"width": 1280, "height": 900}


def _fill(page: Page, site: str, staff: dict[str, str]) -> None:
    page.goto(f"{site}/admin/login/")
    page.get_by_label("E-mail").fill(staff["email"])
    page.get_by_label("Password").fill(staff["password"])


def test_a_key_is_added_and_stands_in_for_the_code(phone: OpenPhone, stack: Stack) -> None:
    site = f"http://localhost:{stack.running.port + 3}"
    wait_until(lambda: _answers(f"{site}/healthz"), "the staff's site")
    # Of the auditor: nobody else's test logs in as one, and a code is good once.
    staff = json.loads((stack.running.data / "secrets.json").read_text())["staff_auditor"]
    page = phone(viewport=DESK, **STILL)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }})  # fmt: skip
    _fill(page, site, staff)
    page.get_by_label("Code").fill(f"{totp(bytes.fromhex(staff['totp'])):06d}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The books")).to_be_visible()

    page.goto(f"{site}/admin/keys/")
    page.get_by_label("What you call it").fill("Virtual key")
    page.get_by_role("button", name="Add a key").click()
    expect(page.get_by_text("The key is yours from now on.")).to_be_visible()
    expect(page.get_by_text("never used")).to_be_visible()
    assert found(page, WCAG) == []

    page.context.clear_cookies()
    _fill(page, site, staff)
    page.get_by_role("button", name="Log in with a security key").click()
    expect(page.get_by_role("heading", name="The books")).to_be_visible()

    page.goto(f"{site}/admin/again/?next=/admin/queues/")
    page.get_by_role("button", name="Use a security key").click()
    expect(page).to_have_url(f"{site}/admin/queues/")

    # The demo network has left something to see on the first run.
    page.goto(f"{site}/admin/console/trailentry/")
    expect(page.get_by_text("Took the ticket.")).to_be_visible()
    page.goto(f"{site}/admin/console/correction/")
    expect(page.get_by_text("waits for approval")).to_have_count(2)

    page.goto(f"{site}/admin/keys/")
    expect(page.get_by_text("last used")).to_be_visible()
    expect(page.get_by_role("link", name="give the code of your app")).to_be_visible()  # a key does not do for that
    expect(page.get_by_role("button", name="Add a key")).to_have_count(0)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:  # also where it is slow to come up
        return False
