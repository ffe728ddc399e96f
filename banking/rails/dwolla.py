"""Dwolla by its own SDK (RAILS, section 1), at an address of our choice and with time-outs.

Kept in mind here: creates answer 201 with an empty body and a Location; tokens live an hour and have no refresh;
an Idempotency-Key is forgotten after 24 h, so that a doubt is first searched for by correlation id.
"""

import hashlib
import hmac
import itertools
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

import dwollav2
import requests
from django.conf import settings

from banking.rails.port import Credential, RailPerson, RailStatus, RailTransfer, ReserveShort, Terms
from banking.statements import Line, Statement
from banking.statements.model import LineKind, LineState
from core import resilience
from core.resilience import ProviderBusy, ProviderDown, ProviderRejected, ProviderUnknown

HAL = "application/vnd.dwolla.v1.hal+json"
CONNECT_SECONDS = 3.0
PAGE, MOST_TRANSFERS = 200, 2_000_000
EVENTS_PER_PAGE = 200
STATUSES: dict[str, RailStatus] = {
    "pending": "pending", "processed": "processed", "failed": "failed", "cancelled": "cancelled",
}  # fmt: skip


class Client(dwollav2.Client):
    """The SDK's client for one address; the SDK itself knows only Dwolla's two."""

    def __init__(self, *, base: str, key: str, secret: str, timeout: float) -> None:
        self.base = base.rstrip("/")
        super().__init__(key=key, secret=secret, requests={"timeout": (CONNECT_SECONDS, timeout)})

    @property
    def api_url(self) -> str:
        return self.base

    @property
    def token_url(self) -> str:
        return self.base + "/token"


@dataclass(frozen=True)
class Subscription:
    id: str
    paused: bool  # by Dwolla, after 400 deliveries that failed and a day without one that did not


class Dwolla:
    """The rail `dwolla`: customers, bank accounts and transfers between them and our Master Account's balance."""

    name = "dwolla"
    credential: Credential = "dwolla"
    # Bank to balance 3-4 business days, balance to bank 1-2 (RAILS, section 1). The published pay-as-you-go price.
    terms = Terms(load_days=3, redemption_days=1, minimum=1, flat=0, basis_points=50, cap=5_00)

    def __init__(self, client: Client, *, webhook_secret: str) -> None:
        self._client = client
        self._webhook_secret = webhook_secret
        self._lock = threading.Lock()
        self._token: Any = None
        self._token_until = 0.0
        self._reserve = self._account = ""
        self._partner = ""

    @classmethod
    def from_settings(cls) -> "Dwolla":
        client = Client(
            base=settings.DWOLLA_BASE_URL,
            key=settings.DWOLLA_KEY,
            secret=settings.DWOLLA_SECRET,
            timeout=settings.VENDOR_TIMEOUT_SECONDS,
        )
        return cls(client, webhook_secret=settings.DWOLLA_WEBHOOK_SECRET)

    def ping(self) -> None:
        """Whether it answers: our own account, which changes nothing."""
        self._get("/")

    # ------------------------------------------------------------------------------------- people and their banks
    def create_customer(self, *, public_id: str, display_name: str) -> str:
        first, _, last = display_name.partition(" ")
        body = {
            "firstName": first[:50],
            "lastName": (last or first)[:50],
            # Dwolla asks for an address that is unique per person and writes to none: its mails are switched off.
            "email": f"{public_id}@people.paya.example",
            "correlationId": public_id,
        }
        return self._create_or_adopt("/customers", body, key=uuid5(NAMESPACE_URL, f"dwolla-customer:{public_id}"))

    def customer(self, *, customer: str) -> RailPerson:
        shown = self._get(f"/customers/{customer}")
        return RailPerson(str(shown.get("correlationId", "")), shown.get("status") in ("unverified", "verified"))

    def add_bank(self, *, customer: str, credential: str, kind: str, name: str) -> str:
        exchange = self._create(
            f"/customers/{customer}/exchanges",
            {"_links": {"exchange-partner": {"href": self._plaid_partner()}}, "token": credential},
            key=uuid5(NAMESPACE_URL, f"dwolla-exchange:{credential}"),
        )
        body = {
            "_links": {"exchange": {"href": self._href(f"/exchanges/{exchange}")}},
            "bankAccountType": kind,
            "name": name[:50],
        }
        key = uuid5(NAMESPACE_URL, f"dwolla-bank:{exchange}")
        return self._create_or_adopt(f"/customers/{customer}/funding-sources", body, key=key)

    def remove_bank(self, *, bank: str) -> None:
        source = self._get(f"/funding-sources/{bank}")
        if not source.get("removed"):
            self._send("post", f"/funding-sources/{bank}", {"removed": True}, changes=False)

    def bank_usable(self, *, bank: str) -> bool:
        source = self._get(f"/funding-sources/{bank}")
        return not source.get("removed") and source.get("status") == "verified"

    # -------------------------------------------------------------------------------------------------- transfers
    def create_pull(self, *, key: UUID, bank: str, amount: int) -> str:
        return self._transfer(key=key, source=bank, destination=self._reserve_source(), amount=amount)

    def create_push(self, *, key: UUID, bank: str, amount: int) -> str:
        try:
            return self._transfer(key=key, source=self._reserve_source(), destination=bank, amount=amount)
        except ProviderRejected as error:
            if error.code == "InsufficientFunds":
                raise ReserveShort from error
            raise

    def _transfer(self, *, key: UUID, source: str, destination: str, amount: int) -> str:
        body = {
            "_links": {
                "source": {"href": self._href(f"/funding-sources/{source}")},
                "destination": {"href": self._href(f"/funding-sources/{destination}")},
            },
            "amount": {"value": f"{amount // 100}.{amount % 100:02d}", "currency": "USD"},
            "correlationId": str(key),
        }
        return self._create("/transfers", body, key=key)

    def find(self, *, key: UUID, customer: str) -> RailTransfer | None:
        answer = self._get(f"/customers/{customer}/transfers", {"correlationId": str(key)})
        mine = [shown for shown in map(_shown, _embedded(answer, "transfers")) if shown.key == str(key)]
        return mine[0] if mine else None

    def status(self, *, transfer: str) -> RailTransfer:
        shown = _shown(self._get(f"/transfers/{transfer}"))
        if shown.status != "failed":
            return shown
        try:
            code = str(self._get(f"/transfers/{transfer}/failure").get("code", ""))
        except ProviderRejected:
            code = ""  # no reason was given; that it failed is certain
        return RailTransfer(shown.id, shown.status, shown.amount, shown.currency, shown.key, code[:20])

    def cancel(self, *, transfer: str) -> None:
        self._send("post", f"/transfers/{transfer}", {"status": "cancelled"}, changes=True)

    def balance(self) -> int:
        shown = self._get(f"/funding-sources/{self._reserve_source()}/balance")
        return _signed_cents(shown.get("balance"))

    def statement(self, *, since: date | None) -> Statement:
        """All transfers of our account as lines, newest first as Dwolla lists them, and the balance after them.

        Dwolla has no statement to fetch: a transfer is listed with its state of now. A redemption leaves the balance
        when it is made and comes back when it fails; a load arrives when it is processed, and leaves again when it
        comes back.
        """
        for last in (False, False, True):
            before, lines, after = self.balance(), self._lines(since), self.balance()
            if before == after or last:  # otherwise something moved while we read
                break
        return Statement("dwolla", None, None, after, lines, complete=True)

    def _lines(self, since: date | None) -> tuple[Line, ...]:
        reserve = self._reserve_source()
        asked = {"limit": str(PAGE), **({"startDate": since.isoformat()} if since else {})}
        lines: dict[str, Line] = {}
        for offset in range(0, MOST_TRANSFERS, PAGE):
            shown = self._get(f"/accounts/{self._account}/transfers", {**asked, "offset": str(offset)})
            rows = _embedded(shown, "transfers")
            for row in rows:
                # What is made between two pages moves the rest on: a transfer may be on both.
                line = _line(row, reserve=reserve, account=self._account)
                lines[line.id] = line
            if len(rows) < PAGE:
                return tuple(reversed(lines.values()))
        raise ProviderDown("Dwolla lists more transfers than can be")

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> bool:
        given = headers.get("X-Request-Signature-SHA-256", "")
        expected = hmac.new(self._webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        # Without a secret everybody could sign.
        return bool(self._webhook_secret) and hmac.compare_digest(expected.encode(), given.lower().encode())

    # ------------------------------------------------------------------------------------------------ its news
    def subscription(self, *, url: str) -> Subscription | None:
        """Ours at that address, or None when there is none; an open one before a paused one."""
        listed = _embedded(self._get("/webhook-subscriptions"), "webhook-subscriptions")
        ours = [Subscription(str(row["id"]), row.get("paused") is True) for row in listed if row.get("url") == url]
        return min(ours, key=lambda each: each.paused, default=None)

    def subscribe(self, *, url: str) -> None:
        self._send("post", "/webhook-subscriptions", {"url": url, "secret": self._webhook_secret}, changes=True)

    def unpause(self, *, subscription: str) -> None:
        self._send("post", f"/webhook-subscriptions/{subscription}", {"paused": False}, changes=False)

    def events(self) -> Iterator[list[dict[str, Any]]]:
        """What has happened, page by page, the newest first. Dwolla keeps it for thirty days."""
        for offset in itertools.count(0, EVENTS_PER_PAGE):
            answer = self._get("/events", {"limit": str(EVENTS_PER_PAGE), "offset": str(offset)})
            rows = _embedded(answer, "events")
            yield rows
            if len(rows) < EVENTS_PER_PAGE:
                return

    # ------------------------------------------------------------------------------------------ what hardly changes
    def _reserve_source(self) -> str:
        """The funding source of our Master Account's balance: where loads arrive and redemptions leave."""
        if not self._reserve:
            self._account = _id(_link(self._get("/"), "account"))
            listed = _embedded(self._get(f"/accounts/{self._account}/funding-sources"), "funding-sources")
            balances = [str(row["id"]) for row in listed if row.get("type") == "balance"]
            if not balances:
                raise ProviderDown("the Dwolla account has no balance")
            self._reserve = balances[0]
        return self._reserve

    def _plaid_partner(self) -> str:
        if not self._partner:
            listed = _embedded(self._get("/exchange-partners"), "exchange-partners")
            plaid = [str(row["id"]) for row in listed if row.get("name") == "Plaid"]
            if not plaid:
                raise ProviderDown("Dwolla does not offer Plaid as an exchange partner")
            self._partner = plaid[0]
        return self._href(f"/exchange-partners/{self._partner}")

    def _href(self, path: str) -> str:
        return self._client.base + path

    # ------------------------------------------------------------------------------------------------ over the wire
    def _get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = self._send("get", path, dict(params or {}), changes=False)
        if not isinstance(answer.body, dict):
            raise ProviderDown("Dwolla's answer is not JSON")
        return answer.body

    def _create(self, path: str, body: dict[str, Any], *, key: UUID) -> str:
        answer = self._send("post", path, body, changes=True, headers={"Idempotency-Key": str(key)})
        created = _id(answer.headers.get("Location", ""))
        if not created:
            raise ProviderUnknown("Dwolla's answer to a create has no Location")
        return created

    def _create_or_adopt(self, path: str, body: dict[str, Any], *, key: UUID) -> str:
        """Create, or take the one that a refusal for being a duplicate points to."""
        try:
            return self._create(path, body, key=key)
        except Duplicate as error:
            return error.existing

    def _send(
        self, method: str, path: str, body: dict[str, Any], *, changes: bool, headers: Mapping[str, str] | None = None
    ) -> Any:
        """One call through the breaker. An expired token is renewed and the call made once more."""

        def once() -> Any:
            sent = {"content-type": HAL, **(headers or {})} if method == "post" else {}
            for last in (False, True):
                call = getattr(self._fresh_token(), method)
                try:
                    return call(path, body, headers=sent)
                except dwollav2.Error as error:
                    if getattr(error, "status", 0) != 401:
                        raise _mapped(error, changes=changes) from error
                    self._forget_token()
                    if last:
                        raise ProviderDown("Dwolla refuses our credentials") from error
                except (requests.RequestException, TypeError, ValueError, AttributeError, KeyError) as error:
                    # The last four: the SDK trips over an answer of another shape than Dwolla's.
                    raise _mapped(error, changes=changes) from error
            raise AssertionError("the second round returns or raises")

        # What may be repeated freely is repeated once; a create is not, its caller decides with the same key.
        return resilience.call("dwolla", once, tries=1 if changes else 2)

    def _fresh_token(self) -> Any:
        with self._lock:
            if self._token is None or time.monotonic() > self._token_until:
                try:
                    self._token = self._client.Auth.client()
                except (dwollav2.Error, requests.RequestException) as error:
                    raise ProviderDown("Dwolla gives no token") from error
                self._token_until = time.monotonic() + max(30, int(self._token.expires_in or 3600) - 60)
            return self._token

    def _forget_token(self) -> None:
        with self._lock:
            self._token = None


class Duplicate(ProviderRejected):
    """It exists already; `existing` is its id."""

    def __init__(self, existing: str) -> None:
        self.existing = existing
        super().__init__("Duplicate")


def _mapped(error: Exception, *, changes: bool) -> Exception:
    """An SDK error as one of ours. Of a call that changes something, only a clear refusal is certain."""
    doubt = ProviderUnknown if changes else ProviderDown
    if isinstance(error, requests.ConnectTimeout):
        return ProviderDown("Dwolla cannot be reached")
    if isinstance(error, requests.ConnectionError) and "NewConnectionError" in str(error):
        return ProviderDown("Dwolla cannot be reached")
    if not isinstance(error, dwollav2.Error):
        return doubt(f"Dwolla did not answer ({type(error).__name__})")
    status = getattr(error, "status", 0)
    if status == 429:
        return ProviderBusy("Dwolla asks us to slow down")
    if status in (408, 409) or status >= 500:
        return doubt(f"Dwolla answered {status}")
    body = error.body if isinstance(error.body, dict) else {}
    return _refusal(body)


def _refusal(body: Mapping[str, Any]) -> ProviderRejected:
    code = str(body.get("code") or "Refused")
    parts = (body.get("_embedded") or {}).get("errors") or []
    part = parts[0] if parts and isinstance(parts[0], dict) else {}
    about = (part.get("_links") or body.get("_links") or {}).get("about") or {}
    code = str(part.get("code") or code)
    if code in ("Duplicate", "DuplicateResource") and about.get("href"):
        return Duplicate(_id(about["href"]))
    # The message may quote what was sent, so only the code travels on.
    return ProviderRejected(re.sub(r"[^A-Za-z0-9_]", "", code)[:40] or "Refused")


def _embedded(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The rows of a HAL list. A list that is not there is no empty list: nothing may be concluded from it."""
    rows = (answer.get("_embedded") or {}).get(name)
    if not isinstance(rows, list):
        raise ProviderDown("Dwolla's answer has no list")
    return rows


def _link(answer: Mapping[str, Any], name: str) -> str:
    try:
        return str(answer["_links"][name]["href"])
    except (KeyError, TypeError) as error:
        raise ProviderDown("Dwolla's answer lacks a link") from error


def _shown(row: Mapping[str, Any]) -> RailTransfer:
    try:
        return RailTransfer(
            id=str(row["id"]),
            status=STATUSES[row["status"]],
            amount=_cents(row["amount"]),
            currency=str(row["amount"]["currency"]),
            key=str(row.get("correlationId", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderDown("Dwolla shows a transfer that we cannot read") from error


def _signed_cents(amount: Any) -> int:
    """A balance may be below zero, after a return."""
    value = str((amount or {}).get("value", ""))
    return -_cents({"value": value[1:]}) if value.startswith("-") else _cents(amount)


def _cents(amount: Any) -> int:
    """Dwolla's {"value": "5.00"} in cents. Raises ProviderDown for anything else."""
    try:
        dollars, _, rest = str(amount["value"]).partition(".")
    except (KeyError, TypeError) as error:
        raise ProviderDown("Dwolla shows no amount") from error
    if not (dollars.isdigit() and len(rest) <= 2 and (rest or "0").isdigit()):
        raise ProviderDown("Dwolla shows an amount that we cannot read")
    return int(dollars) * 100 + int(rest.ljust(2, "0"))


def _line(row: Mapping[str, Any], *, reserve: str, account: str) -> Line:
    """A listed transfer as a line of our balance."""
    shown = _shown(row)
    source, destination = (_id(_link(row, f"{side}-funding-source")) for side in ("source", "destination"))
    signed = shown.amount if destination == reserve else -shown.amount
    state: LineState = {"processed": "posted"}.get(shown.status, shown.status)  # type: ignore[assignment]
    left = state == "pending" and signed < 0
    created = str(row.get("created") or "")[:10]
    return Line(
        id=shown.id,
        on=date.fromisoformat(created) if re.fullmatch(r"\d{4}-\d\d-\d\d", created) else None,
        kind=_line_kind(row, account=account, key=shown.key, amount=signed),
        amount=signed,
        reference=shown.key,
        state=state,
        effect=signed if state == "posted" or left else 0,
        currency=shown.currency,
        account=destination if signed < 0 else source,
        transfer=shown.id,
    )


def _line_kind(row: Mapping[str, Any], *, account: str, key: str, amount: int) -> LineKind:
    links = row.get("_links") or {}
    owners = [_id(str((links.get(side) or {}).get("href", ""))) for side in ("source", "destination")]
    named = (row.get("metadata") or {}).get("type")
    # One for a transfer is linked to it; one for the account, as a month's, says so where interest does.
    if "created-from-transfer" in links or (named == "fee" and amount < 0):
        return "fee"
    if named == "interest":
        return "interest"
    if owners == [account, account]:
        return "capital"  # between the operators' own bank and the balance
    if key:
        return "transfer"
    return "credit" if amount > 0 else "debit"


def _id(href: str) -> str:
    """The id at the end of an address; '' when there is none."""
    last = urlsplit(href or "").path.rstrip("/").rpartition("/")[2]
    return last if re.fullmatch(r"[0-9A-Fa-f-]{36}", last) else ""
