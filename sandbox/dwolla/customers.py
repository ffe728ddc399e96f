"""Dwolla's customers. A first name such as `retry` or `document` forces that status on a verified one."""

import re

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from sandbox import bank, webhooks
from sandbox.dwolla.frame import Body, DwollaError, created, hal, href, invalid, link, not_found, page, query_text
from sandbox.models import Customer, FundingSource

FORCED_STATUS = {"verified", "retry", "kba", "document", "suspended"}  # asked for by a customer's first name
def customers_post(request: HttpRequest, body: Body) -> HttpResponse:
    first, last = body.text("firstName", longest=50), body.text("lastName", longest=50)
    email = body.text("email")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise invalid("InvalidFormat", "Invalid email format.", "/email")
    kind = body.text("type", required=False) or "unverified"
    if kind not in ("unverified", "receive-only", "personal", "business"):
        raise invalid("Invalid", "Invalid type.", "/type")
    if kind == "personal":
        for name in ("address1", "city", "state", "postalCode", "dateOfBirth", "ssn"):
            body.text(name)
    if earlier := Customer.objects.filter(email=email.lower()).first():
        problem = "A customer with the specified email already exists."
        raise invalid("Duplicate", problem, "/email", about=href(f"/customers/{earlier.uid}"))
    customer = Customer.objects.create(
        first_name=first, last_name=last, email=email.lower(), type=kind, status=_first_status(kind, first),
        business_name=body.text("businessName", required=False),
        correlation_id=body.text("correlationId", required=False), created_at=bank.now(),
    )
    _tell(customer, "customer_created")
    if customer.status == "verified":
        FundingSource.objects.create(customer=customer, kind="balance", name="Balance", created_at=bank.now())
        _tell(customer, "customer_verified")
    return created(f"/customers/{customer.uid}")


def _first_status(kind: str, first_name: str) -> str:
    if kind in ("unverified", "receive-only"):
        return "unverified"
    return first_name.lower() if first_name.lower() in FORCED_STATUS else "verified"


def customers_get(request: HttpRequest) -> HttpResponse:
    rows = Customer.objects.order_by("-id")
    if email := query_text(request, "email"):
        rows = rows.filter(email=email.lower())
    if status := query_text(request, "status"):
        rows = rows.filter(status=status)
    if search := query_text(request, "search"):
        rows = rows.filter(Q(first_name__icontains=search) | Q(last_name__icontains=search)
                           | Q(email__icontains=search) | Q(correlation_id=search))
    return page(request, "customers", rows, _shown_customer)


def customer_get(request: HttpRequest, customer: str) -> HttpResponse:
    return hal(_shown_customer(find_customer(customer)))


def customer_post(request: HttpRequest, body: Body, customer: str) -> HttpResponse:
    """Change a status (suspended, deactivated, reactivated) or the e-mail address."""
    row = find_customer(customer)
    if status := body.text("status", required=False):
        new = {"suspended": "suspended", "deactivated": "deactivated", "reactivated": "unverified"}.get(status)
        if new is None:
            raise invalid("Invalid", "Invalid status.", "/status")
        row.status = new
        topic = {"unverified": "customer_activated"}.get(new, f"customer_{new}")
        row.save(update_fields=["status"])
        _tell(row, topic)
    if email := body.text("email", required=False):
        if Customer.objects.filter(email=email.lower()).exclude(pk=row.pk).exists():
            raise invalid("Duplicate", "A customer with the specified email already exists.", "/email")
        row.email = email.lower()
        row.save(update_fields=["email"])
    return hal(_shown_customer(row))


def find_customer(uid: str) -> Customer:
    row = Customer.objects.filter(uid=uid.lower()).first()
    if row is None:
        raise not_found()
    return row


def _tell(customer: Customer, topic: str) -> None:
    webhooks.publish(topic=topic, resource=f"/customers/{customer.uid}", customer=customer, at=bank.now())


def _shown_customer(row: Customer) -> dict:
    at = f"/customers/{row.uid}"
    links = {"self": link(at, "customer"), "funding-sources": link(f"{at}/funding-sources", "funding-source"),
             "transfers": link(f"{at}/transfers", "transfer"), "receive": link("/transfers", "transfer")}
    if row.status in ("unverified", "verified") and row.type != "receive-only":
        links["send"] = link("/transfers", "transfer")
    if row.status == "retry":
        links["retry-verification"] = link(at, "customer")
    if row.status == "document":
        links["verify-with-document"] = link(f"{at}/documents", "document")
    shown = {"_links": links, "id": row.uid, "firstName": row.first_name, "lastName": row.last_name,
             "email": row.email, "type": row.type, "status": row.status, "created": webhooks.iso(row.created_at)}
    if row.business_name:
        shown["businessName"] = row.business_name
    if row.correlation_id:
        shown["correlationId"] = row.correlation_id
    return shown


def usable(customer: Customer) -> Customer:
    if customer.status in ("suspended", "deactivated"):
        raise DwollaError(403, "Forbidden", f"The customer is {customer.status}.")
    return customer
