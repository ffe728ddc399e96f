"""The pages' forms for the fuzz campaign: found by following links as a person who is logged in, and sent with one thing wrong.

Also bodies of several parts, with files that are none, for the API and for forms that take one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from tests.stack import Site, Visitor

MOST_PAGES = 120
# They end the session that everything else is sent with, or take away the bank.
ENDS = re.compile(r"logout|/close|devices|/login|/remove")
Part = tuple[str, bytes, str]  # a file's name, what is in it, what it says it is

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
FILES: list[Part] = [
    ("empty.png", b"", "image/png"), ("half.png", PNG, "image/png"),
    ("a.png", b"<svg onload=alert(1)>", "image/png"),
    ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
    ("a.pdf", b"%PDF-1.7\n%%EOF", "application/pdf"), ("a.html", b"<script>alert(1)</script>", "text/html"),
    ("../../etc/passwd", PNG, "image/png"), ("a\x00.png", PNG, "image/png"),
    ("x" * 3_000 + ".png", PNG, "image/png"), ('a".png', PNG, "image/png"), ("a.png", PNG + b"\x00" * 900_000, "image/png"),
    ("a.gif", b"GIF89a" + b"\xff" * 200, "image/gif"), ("a.jpg", b"\xff\xd8\xff\xe0" + b"\x00" * 64, "image/jpeg"),
    ("a.png", PNG, ""),
    ("a.exe", b"MZ\x90\x00", "application/octet-stream"), ("a.zip", b"PK\x03\x04" + b"\x00" * 30, "application/zip"),
    ("a.png", b"%PDF-1.7 " + PNG, "image/png"), ("", PNG, "image/png"), ("\u202egnp.exe", PNG, "image/png"),
]  # fmt: skip
TEXTS = [
    "", " ", "0", "-1", "1e9", "0.001", "1,000.00", "999999999999999999999", "NaN", "x" * 5_000, "\x00", "a\x00b", "\x1b[31m",
    "\n\n", "\u200b", "\u202egnp", "🦊" * 60, "e\u0301" * 40, "' OR 1=1 --", "<script>alert(1)</script>", "{{7*7}}", "%s%n",
    "../../etc/passwd", "@", "@@maya",
    "+12125550101", "00000", "٠١٢٣٤٥", "true", "null", "[]", "2026-13-45", "on", "\ufeff",
]  # fmt: skip


def multipart(fields: Mapping[str, Any], files: Mapping[str, Part], boundary: str = "fuzz-boundary") -> bytes:
    """A body of several parts, as it stands: nothing is tidied up."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode("utf-8", "surrogatepass")
        for name, value in fields.items()
    ]
    for name, (filename, content, kind) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n\r\n'
        parts.append(head.encode() + content)
    return b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()


# ------------------------------------------------------------------------------------------------------- finding
@dataclass
class Form:
    """A form as a page has it: where it goes, its fields with what stands in them, and which of them are files."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its address without what is different each time: forms of the same shape are one."""
        return re.sub(r"/[a-z]{2,4}_[0-9a-z]{26}", "/*", self.action)


class _Page(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(urljoin(self.address, given["href"]))
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self._open = Form(urljoin(self.address, given.get("action") or ""))
            self.forms.append(self._open)
        if self._open is not None and tag in ("input", "textarea", "select", "button") and given.get("name"):
            name = str(given["name"])
            if given.get("type") == "file":
                self._open.files.append(name)
            else:
                self._open.fields.setdefault(name, given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def browser_of(visitor: Visitor) -> requests.Session:
    session = requests.Session()
    cookie = visitor.session_cookie
    session.cookies.set(cookie["name"], cookie["value"])
    return session


def forms_of(site: Site, browser: requests.Session) -> tuple[list[Form], list[str]]:
    """Every form of the pages that can be reached from home, one of each shape; and the pages."""
    waiting, seen, forms = [site.url + "/home"], set[str](), dict[str, Form]()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        shape = re.sub(r"/[a-z]{2,4}_[0-9a-z]{26}", "/*", urlsplit(address).path)
        if shape in seen:
            continue
        seen.add(shape)
        answer = browser.get(address, timeout=30)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        page = _Page(answer.url)
        page.feed(answer.text)
        for form in page.forms:
            if form.action.startswith(site.url) and not ENDS.search(form.action):
                forms.setdefault(form.name, form)
        waiting += [link.partition("#")[0] for link in page.links if link.startswith(site.url + "/") and "/admin" not in link]
    return list(forms.values()), sorted(seen)


# ------------------------------------------------------------------------------------------------------- sending
@dataclass
class BadForm:
    what: str
    form: Form
    fields: dict[str, str]
    files: dict[str, Part] = field(default_factory=dict)


def bad_forms(forms: list[Form]) -> Iterator[BadForm]:
    """Each form with one field wrong, and without it; each file that is none; and with fields that it does not have."""
    for form in forms:
        names = [name for name in form.fields if name != "csrfmiddlewaretoken"]
        for name in names:
            for text in TEXTS:
                yield BadForm(f"{name} = {text!r:.40}", form, {**form.fields, name: text})
            yield BadForm(f"without {name}", form, {other: value for other, value in form.fields.items() if other != name})
        for name in form.files:
            for file in FILES:
                yield BadForm(f"{name} is {file[0]!r:.30} of {len(file[1])}", form, form.fields, {name: file})
        token = {name: value for name, value in form.fields.items() if name == "csrfmiddlewaretoken"}
        yield BadForm("all empty", form, dict.fromkeys(names, "") | token)
        yield BadForm("more fields", form, {**form.fields, "is_staff": "1", "user_id": "1", "amount": "-5", "__proto__": "{}"})


def worse_forms(forms: list[Form], chance: random.Random) -> Iterator[BadForm]:
    """Without an end: several fields wrong at once."""
    while True:
        form = chance.choice(forms)
        fields = {
            name: chance.choice(TEXTS) if name != "csrfmiddlewaretoken" and chance.random() < 0.6 else value
            for name, value in form.fields.items()
        }  # fmt: skip
        files = {name: chance.choice(FILES) for name in form.files if chance.random() < 0.8}
        yield BadForm("several fields", form, fields, files)


def send_form(browser: requests.Session, bad: BadForm) -> str:
    """What is wrong with the answer; empty when nothing is."""
    headers = {"Referer": bad.form.action}
    # Masked anew for each page, the token is good for all of the session's.
    if bad.form.files:
        body = multipart(bad.fields, bad.files)
        headers["Content-Type"] = "multipart/form-data; boundary=fuzz-boundary"
        answer = browser.post(bad.form.action, body, headers=headers, timeout=60, allow_redirects=False)
    else:
        answer = browser.post(bad.form.action, bad.fields, headers=headers, timeout=60, allow_redirects=False)
    if answer.status_code >= 500:
        return f"POST {urlsplit(bad.form.action).path} ({bad.what}): {answer.status_code}: {answer.text[:200]}"
    return ""
