"""Stripe's customers."""

from typing import Any

from sandbox import bank
from sandbox.stripe.frame import PAGING, Form, no_such, page, unix
from sandbox.stripe.models import StripeCustomer, new_id

FIELDS = ("email", "name", "description", "metadata")


def customers_post(form: Form) -> dict:
    form.only(*FIELDS)
    row = StripeCustomer(uid=new_id("cus"), created_at=bank.now())
    _fill(row, form)
    return shown_customer(row)


def customers_get(form: Form) -> dict:
    form.only(*PAGING, "email")
    rows = StripeCustomer.objects.filter(deleted=False)
    if email := form.text("email", longest=512):
        rows = rows.filter(email=email)
    return page(form, "/v1/customers", rows, shown_customer)


def customer_get(form: Form, customer: str) -> dict:
    row = find_customer(customer, deleted=True)
    return {"id": row.uid, "object": "customer", "deleted": True} if row.deleted else shown_customer(row)


def customer_post(form: Form, customer: str) -> dict:
    form.only(*FIELDS)
    row = find_customer(customer)
    _fill(row, form)
    return shown_customer(row)


def customer_delete(form: Form, customer: str) -> dict:
    row = find_customer(customer)
    row.deleted = True
    row.save(update_fields=["deleted"])
    row.banks.update(customer=None, deleted=True)
    return {"id": row.uid, "object": "customer", "deleted": True}


def _fill(row: StripeCustomer, form: Form) -> None:
    for name, longest in (("email", 512), ("name", 256), ("description", 500)):
        if form.has(name):
            setattr(row, name, form.text(name, longest=longest))
    row.metadata = row.metadata | form.metadata()
    row.save()


def find_customer(uid: str, *, param: str = "id", deleted: bool = False) -> StripeCustomer:
    """By the address; where `param` is given, by that parameter."""
    row = StripeCustomer.objects.filter(uid=uid).first()
    if row is None or (row.deleted and not deleted):
        raise no_such("customer", uid, param, 404 if param == "id" else 400)
    return row


def shown_customer(row: StripeCustomer) -> dict[str, Any]:
    return {
        "id": row.uid, "object": "customer", "email": row.email or None, "name": row.name or None,
        "description": row.description or None, "metadata": row.metadata, "created": unix(row.created_at),
        "balance": 0, "currency": None, "delinquent": False, "livemode": False, "default_source": None,
    }
