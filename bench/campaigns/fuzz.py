"""Bad input against a running stack: every refusal is a problem document with a stable code, nothing is a 5xx.

Three ways: a corpus of what has hurt other APIs, put into every place of every call that the OpenAPI document knows
(the rest of the call is right, so that it gets past the first check), then at random into several places at once, until
there are 50,000 cases; the forms of all pages in the same way (fuzz_forms.py); and Schemathesis over the same document, which
also compares each answer with its schema. Afterwards the books are audited: not a cent came or went.

Control run: the same product with a deliberately broken endpoint in URLs of the campaign's own. Both must find it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import requests

from paya.local import environment, ports, processes
from paya.local.testing import WIDE_RATES, RunningStack, start_stack
from tests.stack import Site, Visitor, new_phone, wait_until

from .fuzz_forms import FILES, BadForm, Part, bad_forms, browser_of, forms_of, multipart, send_form, worse_forms
from .report import Report

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
CASES, SHORT_CALLS = 50_000, 250
SHORT_FORMS = 40
THREADS = 4
CODE = re.compile(r"[a-z][a-z_]*")

VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, -0.0, 10**30, -(10**30), 2**63, 2**63 - 1, 2**31, "", " ", "0", "1", "null", "NaN",
    [], {}, [[]], [1, "a", None], {"a": {"b": 1}}, "x" * 5_000, "\x00", "a\x00b", "\x07", "\x1b[31m", "\n", "\u200b", "\ud800",
    "a\udfffb", "\u202egnp", "\u2028", "\ufeff", "é", "e\u0301" * 40, "🦊" * 60, "👨‍👩‍👧", "%",
    "%s%n", "' OR 1=1 --", "\\", "${7*7}",
    "<script>alert(1)</script>", "../../etc/passwd", "@", "@@maya", "+1", "+12125550101", "00000", "٠١٢٣٤٥", "١", "2026-13-45",
    "9999999999999999999999",
]  # fmt: skip
DEEP = 50_000
BODIES: list[bytes] = [
    b"", b" ", b"null", b"true", b"0", b'"text"', b"[]", b"[{}]", b"{", b"}", b"{]", b"{}", b"{'a': 1}", b'{"a": 1,}', b'{"a" 1}',
    b'{"amount": NaN}', b'{"amount": Infinity}', b'{"amount": -Infinity}', b'{"amount": 1e400}', b'{"amount": 1e2}',
    b'{"amount": 0x10}', b'{"amount": 01}', b'{"amount": ' + b"9" * 6_000 + b"}", b'{"amount": 1, "amount": 2}',
    b'{"to": "@a", "to": "@b", "amount": 1}', b"\xff\xfe{}", b"\xef\xbb\xbf{}", b'{"to": "\xff"}', b'{"to": "\xed\xa0\x80"}',
    b'{"\\ud800": 1}', b'{"to": "\\ud800"}', b'{"\\u0000": "\\u0000"}', b"\x00" * 64, b"[" * DEEP, b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"to": ' + b"[" * 300 + b"]" * 300 + b"}", b'{"note": "' + b"x" * 300_000 + b'"}',
    b'{"a": "' + b"x" * 3_000_000 + b'"}', "{}".encode("utf-16"), b"a=1&b=2", b"<xml/>", b"--x\r\n\r\n--x--",
]  # fmt: skip
TYPES = [
    "", "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "application/json; charset=utf-16",
    "application/json; charset=nonsense", "application/json;;;=", "application/octet-stream", "a", "/", "*/*",
    "application/json, text/plain", "\xff",
]  # fmt: skip
TEXTS = [
    "", "0", "-1", "101", "1e3", "1.5", "x", "%00", "%ff", "%", "%zz", "..", "..%2f..%2f", "%2e%2e", "%F0%9F%A6%8A",
    "%ed%a0%80", "%0a",
    "MTox", "MTowMQ", "MTotMQ", "Mjox", "MTo5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "=", "====", "A" * 3_000, "null", "true", "[]",
    "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
    "2026-01-01T25:00:00Z", "@ma", "%25", "%5C", "'", "%D9%A1", "99999999999999999999",
]  # fmt: skip
HEADERS: list[dict[str, str]] = [
    {"Idempotency-Key": ""}, {"Idempotency-Key": " "}, {"Idempotency-Key": "k" * 256}, {"Idempotency-Key": "k" * 7_000},
    {"Idempotency-Key": "\xe9"}, {"Idempotency-Key": "a\tb"}, {"Authorization": ""}, {"Authorization": "Bearer"},
    {"Authorization": "Bearer "}, {"Authorization": "Bearer a.b.c"}, {"Authorization": "Bearer \xff\xfe"},
    {"Authorization": "Bearer " + "a" * 7_000}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer null"},
    {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}, {"Accept": "application/xml"}, {"Accept": "\xff"},
    {"Accept": "text/html"},
    {"Accept-Language": "\xff;q=x"}, {"X-Request-ID": "\xff" * 200}, {"X-Request-ID": "<b>"},
    {"X-Forwarded-For": "1.2.3.4, \xff"},
    {"X-Forwarded-Proto": "gopher"}, {"Cookie": "=;=;\xff"}, {"X-HTTP-Method-Override": "DELETE"}, {"Content-Encoding": "gzip"},
    {"Range": "bytes=0-"}, {"If-None-Match": "*"}, {"If-Modified-Since": "yesterday"}, {"Host": "evil.example"}, {"Host": "[::"},
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "FROBNICATE"]

HARMED = re.compile(r"^{\w+} = %00|^type 'multipart")  # what once ended in a 500: never left out


@dataclass
class Call:
    """One call of the API as it should be, from which each bad one differs in one place."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    variables: list[str] = field(default_factory=list)  # names in the path
    ends_sessions: bool = False
    files: list[str] = field(default_factory=list)  # fields of a body in several parts that are files


@dataclass
class Bad:
    """A call to make: bytes as they go out."""

    what: str
    call: Call
    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------------ calls
def calls_of(document: dict[str, Any], known: dict[str, Any]) -> list[Call]:
    """Every operation of the document with right values where `known` has some, and the vendors' webhooks."""
    calls = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", [])
            query = {p["name"]: str(known.get(p["name"], "")) for p in parameters if p["in"] == "query"}
            taken = operation.get("requestBody", {}).get("content", {})
            content = taken.get("application/json") or taken.get("multipart/form-data")
            body = _example(document, content["schema"], known) if content else None
            ends = method != "get" and bool(re.search("logout|devices|sessions|auth/refresh|close", path))
            files = _files(document, content["schema"]) if "multipart/form-data" in taken else []
            calls.append(Call(method.upper(), path, query, body, re.findall(r"{(\w+)}", path), ends, files))
    return calls + [Call("POST", f"/webhooks/{vendor}", body={}) for vendor in ("dwolla", "plaid", "stripe", "twilio")]


def _files(document: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return [name for name, kind in schema.get("properties", {}).items() if kind.get("format") == "binary"]


def _example(document: dict[str, Any], schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {name: known.get(name, "x") for name in schema.get("properties", {})}


def corpus(calls: list[Call]) -> Iterator[Bad]:
    """Each call with one thing wrong."""
    for call in calls:
        for name in call.body or {}:
            for value in VALUES:
                yield _bad(call, f"{name} = {value!r:.40}", body=json.dumps({**(call.body or {}), name: value}).encode())
        for name in call.query:
            for text in TEXTS:
                yield _bad(call, f"?{name}={text:.40}", query={**call.query, name: text})
        for name in call.variables:
            for text in TEXTS:
                yield _bad(call, f"{{{name}}} = {text:.40}", path=call.path.replace(f"{{{name}}}", text or "%20"))
        right = json.dumps(call.body).encode() if call.body is not None else None
        for headers in HEADERS:
            yield _bad(call, f"header {headers!s:.60}", body=right, headers=headers)
        for method in METHODS:
            if method != call.method and not call.ends_sessions:
                yield _bad(call, f"method {method}", body=right, method=method)
        if call.body is not None:
            for body in BODIES:
                yield _bad(call, f"body {body!r:.50} of {len(body)}", body=body)
            for kind in TYPES:
                yield _bad(call, f"type {kind!r}", body=right, headers={"Content-Type": kind})
            for file in FILES if call.files else ():
                yield _parts(call, f"file {file[0]!r:.30} of {len(file[1])}", call.body, dict.fromkeys(call.files, file))
            yield _bad(call, "twice all of it", body=(right or b"") * 2)
            yield _bad(call, "a member more", body=json.dumps({**call.body, "is_staff": True, "__proto__": {}}).encode())


def _bad(
    call: Call, what: str, *, method: str = "", path: str = "", query: dict[str, str] | None = None,
    body: bytes | None = None, headers: dict[str, str] | None = None,
) -> Bad:  # fmt: skip
    address = re.sub(r"{\w+}", "nothing", path or call.path)
    asked = "&".join(f"{name}={text}" for name, text in (call.query if query is None else query).items() if text or query)
    if body is None and call.body is not None:
        body = json.dumps(call.body).encode()
    return Bad(what, call, method or call.method, address + (f"?{asked}" if asked else ""), body, headers or {})


def _parts(call: Call, what: str, body: dict[str, Any], files: dict[str, Part]) -> Bad:
    fields = {name: value for name, value in body.items() if name not in call.files}
    kind = {"Content-Type": "multipart/form-data; boundary=fuzz-boundary"}
    return _bad(call, what, body=multipart(fields, files), headers=kind)


def worse(calls: list[Call], chance: random.Random) -> Iterator[Bad]:
    """Without an end: calls with several things wrong at once."""
    while True:
        call = chance.choice(calls)
        path = call.path
        for name in call.variables:
            if chance.random() < 0.4:
                path = path.replace(f"{{{name}}}", chance.choice(TEXTS) or "%20")
        query = {name: chance.choice(TEXTS) if chance.random() < 0.4 else text for name, text in call.query.items()}
        fields = {name: chance.choice(VALUES) if chance.random() < 0.4 else value for name, value in (call.body or {}).items()}
        headers = chance.choice(HEADERS) if chance.random() < 0.1 else {}
        if call.files and chance.random() < 0.7:
            yield _parts(call, "several things", fields, {name: chance.choice(FILES) for name in call.files})
            continue
        body = None if call.body is None else json.dumps(fields).encode()
        if call.body is not None and chance.random() < 0.05:
            body = chance.choice(BODIES)
        yield _bad(call, "several things", path=path, query=query, body=body, headers=headers)


class Ticket:
    """An access token that is renewed before its quarter of an hour is over: the cases take longer."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.since = visitor, time.monotonic()
        self.lock = threading.Lock()

    def __str__(self) -> str:
        with self.lock:
            if time.monotonic() - self.since > 300:
                answer = self.visitor.site.call("POST", "/v1/auth/refresh", {"refresh": self.visitor.tokens["refresh"]})
                self.visitor.tokens |= answer.json()
                self.since = time.monotonic()
            return self.visitor.token


def send(url: str, bad: Bad, token: str) -> requests.Response:
    """As it stands: no client library may tidy it up on the way."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
    headers |= bad.headers
    raw: dict[str | bytes, str | bytes] = {name: value.encode("latin-1") for name, value in headers.items()}
    request = requests.Request(bad.method, url, data=bad.body).prepare()
    request.url = url + bad.path
    request.headers.update(raw)  # type: ignore[arg-type]
    with requests.Session() as session:
        return session.send(request, timeout=60, allow_redirects=False)


def complaint(answer: requests.Response) -> str:
    """What is wrong with an answer to bad input; empty when nothing is."""
    if answer.status_code >= 500:
        return f"status {answer.status_code}: {answer.text[:200]}"
    if answer.status_code < 400 or answer.request.method == "HEAD":
        return ""
    if answer.status_code == 414:  # of more than 4 kB in an address only the web server itself ever hears
        return ""
    if answer.headers.get("Content-Type") != "application/problem+json":
        return f"status {answer.status_code} as {answer.headers.get('Content-Type')}: {answer.text[:100]}"
    document = answer.json()
    if not CODE.fullmatch(str(document.get("code"))) or document.get("status") != answer.status_code:
        return f"no stable code or another status: {document}"
    missing = [name for name in ("type", "title", "detail", "request_id") if not document.get(name)]
    return f"without {missing}: {document}" if missing else ""


def hostile(url: str, bads: list[Bad], tokens: tuple[str | Ticket, str]) -> list[str]:
    """Send all of it; complaints, each with the call that it is about."""
    token, sacrifice = tokens

    def one(bad: Bad) -> str:
        try:
            wrong = complaint(send(url, bad, sacrifice if bad.call.ends_sessions else str(token)))
        except requests.RequestException as error:
            wrong = repr(error)
        return f"{bad.method} {bad.path:.80} ({bad.what}): {wrong}" if wrong else ""

    with ThreadPoolExecutor(THREADS) as pool:
        return [wrong for wrong in pool.map(one, bads) if wrong]


# ------------------------------------------------------------------------------------------------ schemathesis
def schemathesis(url: str, token: str, seed: int, seconds: int, *, only: str = "") -> tuple[int, str]:
    """Exit status (0: nothing found) and what it says; no seconds: however long it takes."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/v1/openapi.json", "--header", f"Authorization: Bearer {token}",
        "--request-timeout", "60", "--wait-for-schema", "60", "--checks", CHECKS,
        "--phases", "examples,coverage,fuzzing", "--seed", str(seed), "--warnings", "off", "--no-color",
        *(["--include-path", only] if only else ["--exclude-path-regex", "logout|devices|sessions"]),
        *(["--max-time", str(seconds)] if seconds else []), "--max-examples", "1000" if seconds > 60 else "10",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:  # it leaves a cache where it stands
        env = {**environment.process_environment("fuzz", {}), "PYTHONPATH": str(environment.ROOT)}
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def tested(output: str) -> int:
    found = re.search(r"(\d+) generated", output)
    return int(found[1]) if found else 0


# ---------------------------------------------------------------------------------------------------- the campaign
def prepare(site: Site, *, money: bool) -> tuple[Visitor, tuple[Ticket, str], dict[str, Any]]:
    """Somebody to ask as, with or without money; somebody whose sessions may end; and right values for their calls."""
    person, payee, other = site.person(bank=True), site.person(), site.person()
    if money:
        person.transfer("loads", 50_00)
        site.advance(5)
        wait_until(lambda: person.balance["available"] > 0, "the money")
    known = {
        "to": f"@{payee.username}", "amount": 1, "bank_account": person.bank, "visibility": "private", "note": "fuzz",
        "phone": new_phone(), "code": "123456", "challenge": "ch_nothing", "refresh": other.tokens["refresh"], "q": "ma",
        "device_name": "fuzz", "display_name": "Fuzz", "default_visibility": "private", "username": person.username,
        "public_token": "public-sandbox-nothing", "account_id": "nothing", "limit": "2", "at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return person, (Ticket(person), other.token), known


def run(*, data: Path, short: bool, seed: int, size: int | None) -> int:
    report = Report("fuzz", short, seed)
    running = start_stack(data / f"fuzz-{uuid4().hex[:6]}", demo=False, extra=WIDE_RATES)
    try:
        site = Site(running.url, f"ws://127.0.0.1:{running.port + 1}", running.sandbox_url)
        attack(report, running, site, short=short, seed=seed, size=size, schemathesis_seconds=15 if short else 300)
    finally:
        running.stop(40)
    return report.finish()


def attack(
    report: Report, running: RunningStack, site: Site, *, short: bool, seed: int, size: int | None, schemathesis_seconds: int
) -> None:
    """The corpus, Schemathesis (unless for no seconds), and both against the broken endpoint."""
    person, tokens, known = prepare(site, money=not short)
    document = site.call("GET", "/v1/openapi.json").json()
    calls = calls_of(document, known)
    bads = list(corpus(calls))
    chosen = random.Random(seed).sample(bads, min(len(bads), size or (SHORT_CALLS if short else len(bads))))
    chosen += [bad for bad in bads if bad not in chosen and HARMED.search(bad.what)]
    forms = form_cases(site, person, short=short, seed=seed, report=report)
    if not short:
        more = max(0, (size or CASES) - len(chosen) - len(forms))
        chosen += itertools.islice(worse(calls, random.Random(seed)), more)
    report.figure("operations", len(calls))
    report.figure("hostile calls in the corpus", len(bads))
    complaints = hostile(site.url, chosen, tokens)
    report.figure("hostile calls sent", len(chosen))
    report.must_be("answers that are no good refusal", len(complaints), 0)
    report.broken += complaints[:20]
    browser = browser_of(person)
    with ThreadPoolExecutor(THREADS) as pool:
        complaints = [wrong for wrong in pool.map(lambda bad: send_form(browser, bad), forms) if wrong]
    report.figure("forms sent", len(forms))
    report.must_be("forms that were answered with a server error", len(complaints), 0)
    report.broken += complaints[:20]
    if schemathesis_seconds:
        newest = site.person(bank=True)  # a token lives for 15 minutes
        found, output = schemathesis(site.url, newest.token, seed, schemathesis_seconds)
        report.figure("cases of Schemathesis", tested(output))
        if not tested(output):
            report.broken.append("Schemathesis tried nothing")
        report.must_be("exit status of Schemathesis", found, 0)
        if found:
            print(output[-8000:])
    report.must_be("cents lost or created", cents_off(running), 0)
    with broken_server(running) as url:
        document = requests.get(f"{url}/v1/openapi.json", timeout=30).json()
        broken = [call for call in calls_of(document, {"count": 1}) if call.path == "/v1/broken"]
        complaints = hostile(url, list(corpus(broken)), tokens)
        how = f"{len(complaints)} found"
        report.control("an endpoint that divides by what it is given, corpus", failed=bool(complaints), how=how)
        found, output = schemathesis(url, str(tokens[0]), seed, 0, only="/v1/broken")
        wrong = [word for word in ("Server error", "Response violates schema") if word in output]
        report.control("the same endpoint, Schemathesis", failed=found != 0 and bool(wrong), how=", ".join(wrong) or "nothing")
        if not wrong:
            print(output[-3000:])


def form_cases(site: Site, person: Visitor, *, short: bool, seed: int, report: Report) -> list[BadForm]:
    """What is sent to the pages: all of it with one thing wrong, and as much again with several; or some of it."""
    forms, pages = forms_of(site, browser_of(person))
    report.figure("pages followed", len(pages))
    report.figure("forms found", len(forms))
    chance, bads = random.Random(seed), list(bad_forms(forms))
    if short:
        return chance.sample(bads, min(len(bads), SHORT_FORMS))
    return bads + list(itertools.islice(worse_forms(forms, chance), len(bads)))


def cents_off(running: RunningStack) -> int:
    """What all accounts together are off zero; one more for books that the auditor finds unclean."""
    command = [sys.executable, "manage.py", "audit_ledger"]
    audit = subprocess.run(command, env=running.environment("auditor"), cwd=environment.ROOT, capture_output=True, check=False)
    with psycopg2.connect(running.environment("auditor")["DATABASE_URL"]) as raw, raw.cursor() as cursor:
        cursor.execute("select coalesce(sum(balance), 0) from ledger_trial_balance()")
        return abs(int(cursor.fetchone()[0])) + (1 if audit.returncode else 0)


@contextlib.contextmanager
def broken_server(running: RunningStack) -> Iterator[str]:
    """The product on another port, with the broken endpoint."""
    port = ports.free_block(1)
    command = [
        sys.executable, "-m", "gunicorn", "paya.wsgi", f"--bind=127.0.0.1:{port}", "--workers=1", "--no-control-socket",
        "--log-level=warning",
    ]  # fmt: skip
    env = running.environment("web") | {"DJANGO_SETTINGS_MODULE": "bench.campaigns.broken_settings"} | WIDE_RATES
    with (running.data / "broken.log").open("wb") as log:
        server = processes.spawn(command, env=env, cwd=environment.ROOT, output=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url), "the broken server", 60)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _answers(url: str) -> bool:
    time.sleep(0.1)
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{url}/healthz", timeout=5).status_code == 200
    return False
