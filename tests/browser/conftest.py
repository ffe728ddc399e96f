"""A real Chromium at a phone's size. Whatever a page complains about in its console fails the test that opened it."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.stack import Stack, Visitor

PHONE = {"width": 390, "height": 844}
# What Chromium writes that is no fault of the page's.
_ANSWERS = (
    "Failed to load resource: the server responded with a status of 4",  # a form came back with its errors
    "Failed to load resource: the server responded with a status of 503",  # a vendor is down, and the page says so
    "net::ERR_CONNECTION_REFUSED",  # a test has a process down
    "net::ERR_INTERNET_DISCONNECTED",  # or no connection at all, which htmx tells as well
    "htmx:afterRequest",
    "htmx:sendError",
    "WebSocket is closed before the connection is established",  # left for the next page that quickly
)
expect.set_options(timeout=10_000)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for the package: Playwright's event loop must not outlive it, for Django's ORM refuses to run in one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["PAYA_CHROMIUM"], args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


OpenPhone = Callable[..., Page]


@pytest.fixture
def phone(chromium: Browser, stack: Stack) -> Iterator[OpenPhone]:
    """Open a phone: a browser of its own, logged in as somebody or not; with any of Playwright's context options."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: complain(page, said))

    def complain(page: Page, said: Any) -> None:
        if said.type in ("error", "warning") and not any(answer in said.text for answer in _ANSWERS):
            complaints.append(f"{page.url}: {said.text}")

    def open_phone(person: Visitor | None = None, **options: Any) -> Page:
        options = {"viewport": PHONE, "base_url": stack.url, **options}
        context = chromium.new_context(**options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        if person is not None:
            context.add_cookies([person.session_cookie])  # type: ignore[list-item]
        context.on("page", watch)
        return context.new_page()

    yield open_phone
    for context in contexts:
        context.close()
    assert complaints == []
