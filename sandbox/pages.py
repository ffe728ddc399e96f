"""The pages for people: what this is, the phone, the bank. Everything works without JavaScript."""

import re

from django.conf import settings
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sandbox import bank, hosted_link
from sandbox.calendar import add_business_days, is_business_day
from sandbox.control import normal_phone
from sandbox.models import Bank, BankAccount, Delivery, FundingSource, Sms, Transfer

SHOWN_NUMBERS, SHOWN_MESSAGES = 30, 30
# Of transfers and accounts the last fifty are shown, ten of them at first.
SHOWN_ROWS, SHOWN_FIRST = 50, 10


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "sandbox/index.html", {
        "today": bank.today(), "balance": bank.master_balance().balance, "product_url": settings.PUBLIC_URL,
        "messages_count": Sms.objects.count(), "pending": Transfer.objects.filter(status="pending").count(),
    })


# --- the phone ---------------------------------------------------------------------------------------------

@require_safe
def phone(request: HttpRequest) -> HttpResponse:
    """The messages of one number, newest first; the last number that got one when none is asked for."""
    asked = normal_phone(request.GET.get("number", "")[:40])
    latest = Sms.objects.values("to").annotate(last=Max("id"), count=Count("id")).order_by("-last")[:SHOWN_NUMBERS]
    numbers = [{"number": row["to"], "count": row["count"], "shown": _spaced(row["to"])} for row in latest]
    number = asked or (numbers[0]["number"] if numbers else "")
    messages = [_bubble(row) for row in Sms.objects.filter(to=number).order_by("-id")[:SHOWN_MESSAGES]]
    return render(request, "sandbox/phone.html", {
        "numbers": numbers, "number": number, "shown": _spaced(number), "messages": messages,
    })


def _bubble(row: Sms) -> dict:
    """A message, and its code where it has six digits in a row."""
    code = re.search(r"(?<!\d)\d{6}(?!\d)", row.body)
    return {"id": row.sid, "body": row.body, "sender": row.sender, "sent_at": row.sent_at,
            "code": code[0] if code else ""}


def _spaced(number: str) -> str:
    """+14155550100 -> +1 415 555 0100"""
    match = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"+1 {match[1]} {match[2]} {match[3]}" if match else number


# --- the bank ----------------------------------------------------------------------------------------------

@require_safe
def bank_page(request: HttpRequest) -> HttpResponse:
    state = Bank.objects.get()
    related = ("source__customer", "source__account", "destination__customer", "destination__account")
    transfers = Transfer.objects.select_related(*related)
    pending, ended = transfers.filter(status="pending"), transfers.exclude(status="pending")
    waiting = [_line(row) for row in pending.order_by("due_on", "id")[:SHOWN_ROWS]]
    done = [_line(row) for row in ended.order_by("-id")[:SHOWN_ROWS]]
    linked = FundingSource.objects.filter(kind="bank", removed=False).select_related("account", "customer")
    return render(request, "sandbox/bank.html", {
        "today": state.today, "business_day": is_business_day(state.today),
        "next_day": add_business_days(state.today, 1), "third_day": add_business_days(state.today, 3),
        "balance": bank.master_balance().balance, "waiting": waiting, "waiting_count": pending.count(),
        "done": done, "done_count": ended.count(), "first": SHOWN_FIRST,
        "sources": list(linked.order_by("-id")[:SHOWN_ROWS]), "sources_count": linked.count(),
        "accounts_count": BankAccount.objects.count(), "transfers_count": transfers.count(),
        "webhooks_waiting": Delivery.objects.filter(state="pending").count(), "webhook_mode": state.webhook_mode,
    })


def _line(row: Transfer) -> dict:
    """One transfer in words."""
    incoming = row.source.kind == "bank"
    side = row.source if incoming else row.destination
    title, _ = bank.RETURNS.get(row.failure_code, ("Returned by the bank", ""))
    return {
        "incoming": incoming, "owner": _owner(side), "bank": f"{side.name} \N{MIDDLE DOT}\N{MIDDLE DOT}{_mask(side)}",
        "cents": row.cents, "status": row.status, "due_on": row.due_on, "created_at": row.created_at,
        "failure": f"{row.failure_code} {title}" if row.failure_code else "", "uid": row.uid,
    }


def _owner(side: FundingSource) -> str:
    return f"{side.customer.first_name} {side.customer.last_name}" if side.customer else "The operators"


def _mask(side: FundingSource) -> str:
    return side.account.mask if side.account else ""


@require_POST
def bank_move(request: HttpRequest) -> HttpResponse:
    """Move the calendar by one of the buttons' steps."""
    steps = {"1": 1, "3": 3, "5": 5}.get(request.POST.get("business_days", ""))
    if steps:
        bank.advance(steps)
    return HttpResponseRedirect("/bank")


def foreign_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from these pages, or from one that was open for too long."""
    context = {"title": "Please try again", "back": request.path,
               "text": "This page was open for a long time, or the form came from somewhere else."}
    return render(request, "sandbox/link_message.html", context, status=403)


def no_such_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    context = {"title": "There is no such page", "back": "/", "text": "The sandbox has a phone and a bank."}
    return render(request, "sandbox/link_message.html", context, status=404)


urlpatterns = [
    path("", index),
    path("phone", phone),
    path("bank", bank_page),
    path("bank/move", bank_move),
    path("plaid/link/hosted/<str:token>", require_http_methods(["GET", "HEAD", "POST"])(hosted_link.page)),
    path("plaid/bank-login/<str:uid>", require_http_methods(["GET", "HEAD", "POST"])(hosted_link.bank_login)),
]
