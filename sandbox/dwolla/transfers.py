"""Dwolla's transfers, and the search for one after a doubt."""

import re
from datetime import date

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from sandbox import bank, webhooks
from sandbox.dwolla.customers import find_customer
from sandbox.dwolla.frame import (
    Body,
    account_uid,
    cents_of,
    created,
    hal,
    id_in,
    invalid,
    link,
    money,
    not_found,
    page,
    query_text,
)
from sandbox.models import FundingSource, Transfer


def transfers_post(request: HttpRequest, body: Body) -> HttpResponse:
    source = _side(body, "source")
    destination = _side(body, "destination")
    cents = cents_of(body.part("amount"))
    _check_sides(source, destination)
    metadata = dict(body.part("metadata", required=False))
    if len(metadata) > 10 or not all(isinstance(value, str) and len(value) <= 255 for value in metadata.values()):
        raise invalid("Invalid", "metadata has at most 10 strings of at most 255 characters.", "/metadata")
    correlation = body.text("correlationId", required=False)
    if correlation and not re.fullmatch(r"[A-Za-z0-9._-]+", correlation):
        raise invalid("InvalidFormat", "correlationId may hold a-Z, 0-9, - . and _.", "/correlationId")
    clearing = dict(body.part("clearing", required=False))
    if any(value not in ("standard", "next-available") for value in clearing.values()):
        raise invalid("Invalid", "Invalid clearing.", "/clearing")
    try:
        row = bank.open_transfer(
            source=source, destination=destination, cents=cents, correlation_id=correlation, metadata=metadata,
            clearing=clearing or None,
        )
    except bank.InsufficientFunds as error:
        raise invalid("InsufficientFunds", "Insufficient funds.", "/_links/source/href") from error
    return created(f"/transfers/{row.uid}")


def _side(body: Body, name: str) -> FundingSource:
    uid = id_in(body.link(name), "funding-sources")
    row = FundingSource.objects.select_related("account", "customer").filter(uid=uid).first()
    if row is None:
        raise invalid("NotFound", "Funding source not found.", f"/_links/{name}/href")
    if row.removed:
        raise invalid("Invalid", "Funding source has been removed.", f"/_links/{name}/href")
    if row.customer and row.customer.status not in ("verified", "unverified"):
        raise invalid("Restricted", f"The customer is {row.customer.status}.", f"/_links/{name}/href")
    return row


def _check_sides(source: FundingSource, destination: FundingSource) -> None:
    if source.pk == destination.pk:
        raise invalid("Invalid", "Source and destination must differ.", "/_links/destination/href")
    if source.kind == "bank" and not source.verified:
        raise invalid("Invalid", "The source must be verified.", "/_links/source/href")
    if source.customer and source.customer.type == "receive-only":
        raise invalid("Restricted", "A receive-only customer cannot send.", "/_links/source/href")
    sides = [side.customer for side in (source, destination)]
    if all(customer and customer.status != "verified" for customer in sides):
        raise invalid("Restricted", "One party must be verified.", "/_links/destination/href")


def transfer_get(request: HttpRequest, transfer: str) -> HttpResponse:
    return hal(_shown_transfer(_transfer(transfer)))


def transfer_post(request: HttpRequest, body: Body, transfer: str) -> HttpResponse:
    """Cancel it, while it is pending."""
    row = _transfer(transfer)
    if body.text("status") != "cancelled":
        raise invalid("Invalid", "Invalid status.", "/status")
    if row.status != "pending":
        raise invalid("NotAllowed", f"A {row.status} transfer cannot be cancelled.", "/status")
    bank.cancel(row)
    return hal(_shown_transfer(row))


def transfer_failure(request: HttpRequest, transfer: str) -> HttpResponse:
    row = _transfer(transfer)
    if not row.failure_code:
        raise not_found()
    title, explanation = bank.RETURNS.get(row.failure_code, ("Returned", "The bank returned the entry."))
    failed = row.source if row.source.kind == "bank" else row.destination
    links = {"self": link(f"/transfers/{row.uid}/failure", "failure"),
             "failed-funding-source": link(f"/funding-sources/{failed.uid}", "funding-source")}
    if failed.customer:
        links["customer"] = link(f"/customers/{failed.customer.uid}", "customer")
    return hal({"_links": links, "code": row.failure_code, "description": title, "explanation": explanation})


def customer_transfers(request: HttpRequest, customer: str) -> HttpResponse:
    owner = find_customer(customer)
    mine = Q(source__customer=owner) | Q(destination__customer=owner)
    return list_transfers(request, Transfer.objects.filter(mine))


def list_transfers(request: HttpRequest, rows: QuerySet) -> HttpResponse:
    if correlation := query_text(request, "correlationId"):
        rows = rows.filter(correlation_id=correlation)
    if status := query_text(request, "status"):
        rows = rows.filter(status=status)
    for name, lookup in (("startDate", "created_at__date__gte"), ("endDate", "created_at__date__lte")):
        if day := query_text(request, name)[:10]:
            if not _is_date(day):
                raise invalid("InvalidFormat", f"{name} must be a date.", f"/{name}")
            rows = rows.filter(**{lookup: day})
    related = rows.select_related("source__customer", "destination__customer").order_by("-id")
    return page(request, "transfers", related, _shown_transfer)


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _transfer(uid: str) -> Transfer:
    related = ("source__customer", "source__account", "destination__customer", "destination__account")
    row = Transfer.objects.select_related(*related).filter(uid=uid.lower()).first()
    if row is None:
        raise not_found()
    return row


def _shown_transfer(row: Transfer) -> dict:
    at = f"/transfers/{row.uid}"
    links = {"self": link(at, "transfer")}
    for name, side in (("source", row.source), ("destination", row.destination)):
        if side.customer:
            links[name] = link(f"/customers/{side.customer.uid}", "customer")
        else:
            links[name] = link(f"/accounts/{account_uid()}", "account")
        links[f"{name}-funding-source"] = link(f"/funding-sources/{side.uid}", "funding-source")
    if row.status == "pending":
        links["cancel"] = links["self"]
    if row.failure_code:
        links["failure"] = link(f"{at}/failure", "failure")
    if made_from := row.metadata.get("created-from"):
        links["created-from-transfer"] = link(f"/transfers/{made_from}", "transfer")
    amount = {**money(row.cents), "currency": row.metadata.get("currency", "USD")}
    shown = {"_links": links, "id": row.uid, "status": row.status, "amount": amount,
             "created": webhooks.iso(row.created_at), "metadata": row.metadata}
    if row.clearing:
        shown["clearing"] = row.clearing
    if row.correlation_id:
        shown["correlationId"] = row.correlation_id
    return shown
