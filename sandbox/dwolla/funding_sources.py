"""Dwolla's funding sources: banks and balances, and the micro-deposits that verify a bank."""

import hashlib
import re

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from sandbox import bank, webhooks
from sandbox.dwolla.customers import find_customer, usable
from sandbox.dwolla.exchanges import account_of
from sandbox.dwolla.frame import (
    Body,
    DwollaError,
    account_uid,
    cents_of,
    created,
    hal,
    href,
    id_in,
    invalid,
    link,
    money,
    not_found,
    page,
    query_text,
)
from sandbox.models import BankAccount, Customer, Exchange, FundingSource

MICRO_DEPOSIT_TRIES = 3
def sources_post(request: HttpRequest, body: Body, customer: str) -> HttpResponse:
    """A bank for a customer: by exchange, by Plaid's processor token, or by bare numbers (then unverified)."""
    owner = usable(find_customer(customer))
    name = body.text("name", longest=50)
    kind = body.text("bankAccountType", required="routingNumber" in body).lower()
    if kind and kind not in ("checking", "savings", "general-ledger", "loan"):
        raise invalid("Invalid", "Invalid bankAccountType.", "/bankAccountType")
    verified = True
    if body.get("plaidToken") is not None:
        account = account_of(body.text("plaidToken", longest=80))
    elif "_links" in body:
        account = _exchanged(owner, body.link("exchange"))
    else:
        account, verified = _numbered(body, name, kind), False
    same = FundingSource.objects.filter(
        customer=owner, removed=False, account__routing=account.routing, account__number=account.number
    ).first()
    if same:
        raise DwollaError(400, "DuplicateResource", f"Bank already exists: id={same.uid}",
                          links={"about": {"href": href(f"/funding-sources/{same.uid}")}})
    row = FundingSource.objects.create(
        customer=owner, kind="bank", name=name, account=account, verified=verified, created_at=bank.now()
    )
    bank.tell_of_funding_source(row, "added")
    if verified:
        bank.tell_of_funding_source(row, "verified")
    return created(f"/funding-sources/{row.uid}")


def _exchanged(owner: Customer, address: str) -> BankAccount:
    uid = id_in(address, "exchanges")
    row = Exchange.objects.select_related("account__item").filter(uid=uid, customer=owner).first()
    if row is None:
        raise invalid("Invalid", "Invalid exchange.", "/_links/exchange/href")
    if row.account.item is None or row.account.item.removed:
        raise DwollaError(400, "InactiveExchange", "The exchange is no longer active.")
    return row.account


def _numbered(body: Body, name: str, kind: str) -> BankAccount:
    routing, number = body.text("routingNumber"), body.text("accountNumber")
    if not re.fullmatch(r"[0-9]{9}", routing) or not _checksum(routing):
        raise invalid("Invalid", "Invalid routing number.", "/routingNumber")
    if not re.fullmatch(r"[0-9]{4,17}", number):
        raise invalid("Invalid", "Account number must be 4 to 17 digits.", "/accountNumber")
    known_account = BankAccount.objects.filter(routing=routing, number=number).first()
    return known_account or bank.open_account(
        name=name, subtype=kind, balance=bank.OPENING_CHECKING, routing=routing, number=number
    )


def _checksum(routing: str) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


def customer_sources(request: HttpRequest, customer: str) -> HttpResponse:
    return list_sources(request, FundingSource.objects.filter(customer=find_customer(customer)))


def list_sources(request: HttpRequest, rows: QuerySet) -> HttpResponse:
    if query_text(request, "removed") == "false":
        rows = rows.filter(removed=False)
    ordered = rows.select_related("account", "customer").order_by("id")
    return page(request, "funding-sources", ordered, _shown_source)


def source_get(request: HttpRequest, source: str) -> HttpResponse:
    return hal(_shown_source(find_source(source)))


def source_post(request: HttpRequest, body: Body, source: str) -> HttpResponse:
    """Rename it, or remove it for good."""
    row = find_source(source)
    if row.removed:
        raise DwollaError(403, "InvalidResourceState", "The funding source is removed.")
    if row.kind == "balance":
        raise DwollaError(403, "Forbidden", "A balance cannot be changed.")
    if "removed" in body:
        if body["removed"] is not True:
            raise invalid("Invalid", "removed must be true.", "/removed")
        row.removed = True
        row.save(update_fields=["removed"])
        bank.tell_of_funding_source(row, "removed")
    elif name := body.text("name", longest=50):
        row.name = name
        row.save(update_fields=["name"])
        bank.tell_of_funding_source(row, "updated")
    return hal(_shown_source(row))


def source_balance(request: HttpRequest, source: str) -> HttpResponse:
    row = find_source(source)
    if row.kind != "balance":
        raise DwollaError(403, "Forbidden", "Only a balance has a balance here.")
    amount = money(row.balance)
    at = f"/funding-sources/{row.uid}"
    return hal({"_links": {"self": link(f"{at}/balance", "balance"), "funding-source": link(at, "funding-source")},
                "balance": amount, "total": amount, "lastUpdated": webhooks.iso(bank.now())})


def micro_deposits_post(request: HttpRequest, body: Body, source: str) -> HttpResponse:
    """Without amounts: send two small deposits. With amounts: check them; 0.09 twice is always wrong."""
    row = find_source(source)
    if row.kind != "bank" or row.removed or row.verified:
        raise DwollaError(403, "InvalidResourceState", "The funding source needs no verification.")
    if not body:
        if row.micro_deposits:
            raise DwollaError(403, "InvalidResourceState", "Micro-deposits were already sent.")
        row.micro_deposits = "processed"
        row.save(update_fields=["micro_deposits"])
        _tell_micro(row, "added")
        _tell_micro(row, "completed")
        return created(f"/funding-sources/{row.uid}/micro-deposits")
    amounts = [cents_of(body.part(name)) for name in ("amount1", "amount2")]
    if row.micro_deposits != "processed":
        raise DwollaError(403, "InvalidResourceState", "There are no micro-deposits to verify.")
    if any(cents > 10 for cents in amounts):
        raise invalid("Invalid", "Micro-deposits are at most 0.10.", "/amount1/value")
    if amounts == [9, 9]:
        return _wrong_amounts(row)
    row.verified, row.micro_deposits = True, "completed"
    row.save(update_fields=["verified", "micro_deposits"])
    bank.tell_of_funding_source(row, "verified")
    return hal(_shown_source(row))


def _wrong_amounts(row: FundingSource) -> HttpResponse:
    """Answered and not raised: the counted try must be kept."""
    row.micro_deposit_tries += 1
    if row.micro_deposit_tries >= MICRO_DEPOSIT_TRIES:
        row.micro_deposits = "failed"
        _tell_micro(row, "maxattempts")
    row.save(update_fields=["micro_deposit_tries", "micro_deposits"])
    return invalid("Invalid", "Wrong amount(s).", "/amount1/value").response()


def micro_deposits_get(request: HttpRequest, source: str) -> HttpResponse:
    row = find_source(source)
    if not row.micro_deposits:
        raise not_found()
    return hal({"_links": {"self": link(f"/funding-sources/{row.uid}/micro-deposits", "micro-deposits")},
                "created": webhooks.iso(row.created_at), "status": row.micro_deposits})


def _tell_micro(row: FundingSource, what: str) -> None:
    topic = f"customer_microdeposits_{what}" if row.customer else f"microdeposits_{what}"
    webhooks.publish(topic=topic, resource=f"/funding-sources/{row.uid}", customer=row.customer, at=bank.now())


def find_source(uid: str) -> FundingSource:
    row = FundingSource.objects.select_related("account", "customer").filter(uid=uid.lower()).first()
    if row is None:
        raise not_found()
    return row


def _shown_source(row: FundingSource) -> dict:
    at = f"/funding-sources/{row.uid}"
    owner = link(f"/customers/{row.customer.uid}", "customer") if row.customer else \
        link(f"/accounts/{account_uid()}", "account")
    links = {"self": link(at, "funding-source"), ("customer" if row.customer else "account"): owner}
    shown = {"_links": links, "id": row.uid, "status": "verified" if row.verified else "unverified",
             "type": row.kind, "name": row.name, "created": webhooks.iso(row.created_at), "removed": row.removed}
    if row.kind == "balance":
        links["balance"] = link(f"{at}/balance", "balance")
        return {**shown, "channels": ["ach"]}
    links["remove"] = links["self"]
    links["transfer-to-balance"] = link("/transfers", "transfer")
    return {**shown, "bankAccountType": row.bank_account.subtype, "bankName": row.bank_account.bank_name, "channels": ["ach"],
            "fingerprint": hashlib.sha256(f"{row.bank_account.routing}{row.bank_account.number}".encode()).hexdigest()}
