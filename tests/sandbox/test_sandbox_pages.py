"""The pages in a real browser: cookies, origins and the content policy hold only there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

DEBIAN_CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = str(DEBIAN_CHROMIUM) if DEBIAN_CHROMIUM.exists() else None
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Browser, complaints: list[str], **options: object) -> Page:
    page = browser.new_context(**options).new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def test_a_person_links_a_bank_and_comes_back(browser, sandbox, receiver):
    api, complaints = sandbox.plaid(), []
    created = api.link_token_create({
        "client_name": "PaYa", "language": "en", "country_codes": ["US"], "products": ["auth"],
        "user": {"client_user_id": "u1"},
        "hosted_link": {"completion_redirect_uri": f"{receiver.url}/banks/linked?state=x"}})
    page = opened(browser, complaints, java_script_enabled=False, viewport={"width": 390, "height": 800})
    page.goto(created["hosted_link_url"])
    page.get_by_role("button", name="Tartan Bank").click()
    page.get_by_role("button", name="Share with PaYa").click()
    page.wait_for_url(f"{receiver.url}/banks/linked?state=x")
    result = api.link_token_get({"link_token": created["link_token"]})["link_sessions"][0]["results"]
    assert [each["name"] for each in result["item_add_results"][0]["accounts"]] == ["Plaid Checking"]
    assert complaints == []


def test_the_phone_shows_what_arrives_while_it_is_open(browser, sandbox):
    complaints: list[str] = []
    page = opened(browser, complaints, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{sandbox.url}/phone?number=+12125550177")
    expect(page.get_by_text("Nothing has arrived")).to_be_visible()
    sandbox.twilio().messages.create(to="+12125550177", from_="+15005550006", body="Your code is 604218.")
    page.get_by_role("button", name="Copy code 604218").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "604218"
    assert complaints == []


def test_the_bank_moves_by_a_button(browser, sandbox, person):
    person.load("12.34")
    complaints: list[str] = []
    page = opened(browser, complaints)
    page.goto(f"{sandbox.url}/bank")
    expect(page.get_by_text("settles")).to_have_count(1)
    page.get_by_role("button", name="+3 business days").click()
    expect(page.get_by_text("No transfer is waiting")).to_be_visible()
    assert complaints == []
