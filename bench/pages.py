"""Each main page in a phone's browser with an empty cache: what crosses the wire, and when the largest thing is painted.

A whole PaYa runs as in `bin/run`, with the demo network; Chromium is 390 pixels wide, and each visit has a new profile.

- kb: bytes of all responses, headers and compressed bodies, in thousands, and how many responses;
- lcp_ms: largest contentful paint on this machine as it is, median of 5 visits (3 with --quick);
- slow_lcp_ms: the same with a CPU four times slower and Chromium's own "Slow 4G": 562 ms to the first byte of each
  response, 1.44 Mbit/s down, 0.68 up.
"""

from __future__ import annotations

import contextlib
import json
import re
import statistics
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from paya.local.browser import find_chromium
from paya.local.supervisor import Supervisor
from paya.local.testing import WIDE_RATES, RunningStack, start_stack, throwaway_folder

from . import report
from .report import Target

PHONE = "+12125550101"  # of the demo network's @maya
VISITOR = ("/", "/feed", "/login", "/transparency", "/status")
PERSON = ("/", "/feed", "/pay", "/activity", "/banks", "/load", "/redeem", "/settings", "/settings/devices")
SLOW_4G = {"offline": False, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375}
LIGHT_KB, PAINTED_MS = 100.0, 1000.0
TARGETS = (Target("largest_kb", "<", LIGHT_KB), Target("slowest_lcp_ms", "<", PAINTED_MS))
_LCP = """() => new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
  .observe({ type: "largest-contentful-paint", buffered: true }))"""


@dataclass
class Visits:
    """What several visits of one page showed."""

    name: str
    kb: float = 0.0
    responses: int = 0
    lcp: list[float] = field(default_factory=list)
    slow_lcp: list[float] = field(default_factory=list)


@contextlib.contextmanager
def prepared() -> Iterator[RunningStack]:
    """A whole PaYa on throwaway data."""
    with Supervisor(lambda line: print(line, flush=True)).signals(), throwaway_folder() as folder:
        started = time.monotonic()
        running = start_stack(folder.path / "whole", durable=True, extra=WIDE_RATES)
        try:
            print(f"prepared in {time.monotonic() - started:.0f} s", flush=True)
            yield running
        finally:
            running.stop()


def log_in(page: Page, running: RunningStack) -> list[Any]:
    """Log in as somebody who has six weeks behind them; the cookies."""
    page.goto("/login")
    page.get_by_label("Mobile phone").fill(PHONE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login/code")
    page.get_by_label("Code").fill(_code(running))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your balance").wait_for()
    return list(page.context.cookies())


def _code(running: RunningStack) -> str:
    address = f"{running.sandbox_url}/sandbox/sms?phone={urllib.parse.quote(PHONE)}"
    for _ in range(200):
        with urllib.request.urlopen(address, timeout=10) as answer:
            messages = json.load(answer)["messages"]
        if messages:
            return re.findall(r"\b\d{6}\b", messages[-1]["body"])[0]
        time.sleep(0.1)
    raise RuntimeError("no code arrived on the sandbox's phone")


def visit(context: BrowserContext, path: str, visits: Visits, *, slow: bool) -> None:
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    if slow:
        wire.send("Network.emulateNetworkConditions", SLOW_4G)
        wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    (visits.slow_lcp if slow else visits.lcp).append(page.evaluate(_LCP))
    visits.kb, visits.responses = max(visits.kb, sum(sizes) / 1000), max(visits.responses, len(sizes))


def look_at(browser: Browser, running: RunningStack, cookies: list[Any], visits: Visits, path: str, rounds: int) -> None:
    for number in range(2 * rounds):
        options: Any = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True}
        context = browser.new_context(base_url=running.url, **options)
        context.add_cookies(cookies)
        visit(context, path, visits, slow=bool(number % 2))
        context.close()


def measure(running: RunningStack, *, quick: bool) -> int:
    seen: list[Visits] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        cookies = log_in(browser.new_page(base_url=running.url), running)
        receipt = _newest_payment(browser, running, cookies)
        for who, whose, paths in (("visitor", [], VISITOR), ("person", cookies, (*PERSON, receipt))):
            for path in paths:
                visits = Visits(f"{who} {re.sub('pay_.*', '…', path)}")
                look_at(browser, running, whose, visits, path, 3 if quick else 5)
                seen.append(visits)
        browser.close()

    print(f"\n{'':28}{'kB':>8}{'responses':>11}{'lcp_ms':>9}{'slow_lcp_ms':>13}")
    rows: dict[str, Any] = {}
    for visits in seen:
        lcp, slow = statistics.median(visits.lcp), statistics.median(visits.slow_lcp)
        print(f"{visits.name:28}{visits.kb:>8.1f}{visits.responses:>11}{lcp:>9,.0f}{slow:>13,.0f}")
        rows[visits.name] = {"kb": round(visits.kb, 1), "lcp_ms": round(lcp), "slow_lcp_ms": round(slow)}
    figures: dict[str, Any] = {
        "largest_kb": max(row["kb"] for row in rows.values()),
        "slowest_lcp_ms": max(row["lcp_ms"] for row in rows.values()),
        "slowest_slow_lcp_ms": max(row["slow_lcp_ms"] for row in rows.values()),
    }
    return report.finish("pages", figures, TARGETS, quick=quick, broken=[])


def _newest_payment(browser: Browser, running: RunningStack, cookies: list[Any]) -> str:
    context = browser.new_context(base_url=running.url)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto("/activity?show=payments")
    path = page.locator("a[href^='/payments/']").first.get_attribute("href")
    context.close()
    return path or "/activity"
