"""Banks, loading and redeeming on pages. The forms call the same services as the API."""

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from banking import queries, services, show
from banking.errors import LinkFailed, TooLateToCancel
from banking.models import BankAccount, BankTransfer, TransferMove
from banking.services import notices
from banking.services.presenting import may_present_again
from banking.services.transfers import expected_on
from banking.services.upkeep import wrong_number
from banking.services.visits import Begun
from compliance.models import LimitName
from compliance.origin import origin_of
from compliance.queries import limits_by_name
from core import idempotency
from core.actor import actor
from core.calendar import in_words, next_minute
from core.errors import IdempotencyKeyRequired, IdempotencyKeyReused, NotFound, PayaError, ValidationError
from core.money import format_usd, parse_usd
from core.pages import form_errors, login_required, session_of
from core.resilience import health
from wallets.queries import wallet

Kind, Status = BankTransfer.Kind, BankTransfer.Status
VISIT = "bank_visit"  # in the browser's session: the visit to Plaid's page that was begun last
# What a transfer passes through when all goes well; the page shows the steps to come, too.
_USUAL = (Status.REQUESTED, Status.PENDING, Status.SETTLED)


# ------------------------------------------------------------------------------------------------ banks
@require_GET
@login_required
def banks(request: HttpRequest) -> HttpResponse:
    return _banks(request)


@require_POST
@login_required
def link(request: HttpRequest) -> HttpResponse:
    """Off to Plaid's hosted page; the person comes back to `linked`, perhaps by way of their bank and `oauth`."""
    session = session_of(request)
    try:
        begun = services.begin_hosted_link(user_id=session.user_id, user_public_id=session.user_public_id)
    except PayaError as error:
        return _banks(request, error)
    return _off(request, begun)


@require_POST
@login_required
def relink(request: HttpRequest, account_id: str) -> HttpResponse:
    """Off to Plaid's hosted page, to log in to this bank again."""
    session = session_of(request)
    try:
        begun = services.begin_relink(
            user_id=session.user_id, user_public_id=session.user_public_id, bank_account=account_id
        )
    except NotFound:
        raise
    except PayaError as error:
        return _banks(request, error)
    return _off(request, begun)


def _off(request: HttpRequest, begun: Begun) -> HttpResponse:
    """Their bank's own site sends a person back without the visit's name, so the browser's session keeps it."""
    request.session[VISIT] = begun.state
    return redirect(begun.url)


@require_GET
@login_required
def oauth(request: HttpRequest) -> HttpResponse:
    """Back from a bank's own site: on where the visit was left, or to its end."""
    state = request.session.get(VISIT, "")
    try:
        onward = services.resume(
            user_id=session_of(request).user_id, state=state, oauth_state=quote(request.GET.get("oauth_state_id", "")[:200])
        )
    except NotFound:
        # Begun in another browser, by somebody else here, or long over.
        return _banks(request, LinkFailed("That link to your bank was not begun here. Please start again."))
    except PayaError as error:
        return _banks(request, error)
    return redirect(onward or f"/banks/linked?state={quote(state)}")


@require_GET
@login_required
def linked(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")[:100]
    try:
        done = services.finish_hosted_link(user_id=session_of(request).user_id, state=state)
    except PayaError as error:
        return _banks(request, error)
    for account in done.accounts:
        messages.success(request, f"{show.named(account)} is linked.")
    if done.repaired:
        messages.success(request, f"{show.named(done.repaired)} works again.")
    elif not done.accounts:
        messages.info(request, "Nothing was changed.")
    return redirect("/banks")


@require_POST
@login_required
def choose_default(request: HttpRequest, account_id: str) -> HttpResponse:
    account = services.choose_default(user_id=session_of(request).user_id, bank_account=account_id)
    messages.success(request, f"{show.named(account)} is your default from now on.")
    return redirect("/banks")


@require_POST
@login_required
def tell_me(request: HttpRequest) -> HttpResponse:
    services.ask_to_be_told(user_id=session_of(request).user_id)
    messages.success(request, "We will text you once banks can be linked again.")
    return redirect("/banks")


@require_POST
@login_required
def remove(request: HttpRequest, account_id: str) -> HttpResponse:
    try:
        services.remove_account(user_id=session_of(request).user_id, bank_account=account_id)
    except NotFound:
        raise
    except PayaError as error:
        return _banks(request, error)
    messages.success(request, "The bank was removed.")
    return redirect("/banks")


def _banks(request: HttpRequest, error: PayaError | None = None) -> HttpResponse:
    user_id = session_of(request).user_id
    context = {
        "banks": _shown_banks(request),
        "errors": {"__all__": _sentence(error)} if error else {},
        "link_down": health("plaid").status != "operational",
        "waiting": notices.is_waiting(user_id=user_id),
    }
    return render(request, "banking/banks.html", context, status=error.status if error else 200)


def _sentence(error: PayaError) -> str:
    return " ".join(error.fields.values()) or error.detail


def _shown_banks(request: HttpRequest) -> list[dict[str, Any]]:
    rows = queries.bank_accounts(user_id=session_of(request).user_id)
    return [_shown_bank(row) for row in rows]


def _shown_bank(row: BankAccount) -> dict[str, Any]:
    can_use = row.status == BankAccount.Status.ACTIVE
    return {**show.account_body(row), "can_use": can_use, "relink_by": show.relink_by(row), "wrong_number": wrong_number(row)}


# ------------------------------------------------------------------------------------------------ load and redeem
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def load(request: HttpRequest) -> HttpResponse:
    return _form(request, Kind.LOAD, services.request_load, "banking/load.html")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def redeem(request: HttpRequest) -> HttpResponse:
    return _form(request, Kind.REDEMPTION, services.request_redemption, "banking/redeem.html")


def _form(request: HttpRequest, kind: BankTransfer.Kind, ask: Callable[..., idempotency.Answer], template: str) -> HttpResponse:
    """The form, or what became of it. Its key is made when the page is: a second click lands on the same transfer."""
    values = {name: request.POST.get(name, "")[:100] for name in ("amount", "bank_account")}
    key, error = str(uuid.uuid4()), None
    if request.method == "POST":
        key = request.POST.get("key", "")
        try:
            session = session_of(request)
            asked = asked_of(values)
            answer = ask(user_id=session.user_id, key=idempotency.check_key(key), origin=origin_of(request, session), **asked)
            return redirect(_url(kind, answer.body["id"]))
        except PayaError as refusal:
            error = refusal
            if isinstance(refusal, IdempotencyKeyRequired):
                key = str(uuid.uuid4())
                error = ValidationError("This form was not whole. Nothing was sent; please press the button again.")
            if isinstance(refusal, IdempotencyKeyReused):
                # Back, changed and sent again: that is a second transfer, so it is asked about.
                key = str(uuid.uuid4())
                error = ValidationError("You have already sent this form. To make another transfer, press the button again.")
    user_id = session_of(request).user_id
    with actor(user_id):
        held = wallet(user_id)
        waits = limits_by_name(user_id).get(LimitName.DAYS_BEFORE_REDEEMING) if kind == Kind.REDEMPTION else None
    context = {
        "key": key,
        "values": values,
        "errors": errors_of(error),
        **bank_choice(request),
        "held": held,
        "waits": waits and {"days": waits.limit, "until": next_minute(waits.resets_at) if waits.resets_at else None},
        "expected_on": expected_on(kind),
    }
    return render(request, template, context, status=error.status if error else 200)


def bank_choice(request: HttpRequest) -> dict[str, Any]:
    """The banks to choose from, and the one that is chosen where nothing else was: the default, if it can be used."""
    banks = _shown_banks(request)
    usable = [bank for bank in banks if bank["can_use"]]
    chosen = next((bank for bank in usable if bank["default"]), usable[0] if usable else None)
    return {"banks": banks, "chosen": chosen["id"] if chosen else ""}


def asked_of(values: dict[str, str]) -> dict[str, Any]:
    problems = {}
    amount = parse_usd(values["amount"])
    if amount is None:
        problems["amount"] = "Enter an amount such as 25 or 25.50."
    elif amount <= 0:
        problems["amount"] = "The amount must be above zero."
    if not values["bank_account"]:
        problems["bank_account"] = "Choose a bank."
    if problems:
        raise ValidationError(fields=problems)
    return {"amount": amount, "bank_account": values["bank_account"]}


def errors_of(error: PayaError | None) -> dict[str, str]:
    if error is None:
        return {}
    if isinstance(error, NotFound):
        return {"bank_account": error.detail}
    if error.code == "insufficient_funds":
        return {"amount": error.detail}
    return form_errors(error)


# ------------------------------------------------------------------------------------------------ one transfer
@require_GET
@login_required
def load_detail(request: HttpRequest, transfer_id: str) -> HttpResponse:
    return _detail(request, Kind.LOAD, transfer_id)


@require_GET
@login_required
def redemption_detail(request: HttpRequest, transfer_id: str) -> HttpResponse:
    return _detail(request, Kind.REDEMPTION, transfer_id)


@require_POST
@login_required
def load_cancel(request: HttpRequest, transfer_id: str) -> HttpResponse:
    return _cancel(request, Kind.LOAD, transfer_id)


@require_POST
@login_required
def redemption_cancel(request: HttpRequest, transfer_id: str) -> HttpResponse:
    return _cancel(request, Kind.REDEMPTION, transfer_id)


@require_POST
@login_required
def load_again(request: HttpRequest, transfer_id: str) -> HttpResponse:
    try:
        session = session_of(request)
        made = services.present_again(user_id=session.user_id, public_id=transfer_id, origin=origin_of(request, session))
    except NotFound:
        raise
    except PayaError as error:
        messages.error(request, _sentence(error))
        return redirect(_url(Kind.LOAD, transfer_id))
    return redirect(_url(Kind.LOAD, made.public_id))


def _cancel(request: HttpRequest, kind: BankTransfer.Kind, transfer_id: str) -> HttpResponse:
    try:
        services.request_cancel(user_id=session_of(request).user_id, kind=kind, public_id=transfer_id)
    except TooLateToCancel as error:
        messages.error(request, error.detail)
    return redirect(_url(kind, transfer_id))


def _detail(request: HttpRequest, kind: BankTransfer.Kind, transfer_id: str) -> HttpResponse:
    row = queries.transfer(user_id=session_of(request).user_id, kind=kind, public_id=transfer_id)
    with actor(row.user_id):
        can_try_again = may_present_again(row)
    shown = {
        "id": row.public_id,
        "kind": row.kind,
        "status": row.status,
        "amount": row.amount,
        "expected_on": row.expected_on,
        "created_at": row.created_at,
        "bank": show.account_body(row.bank_account),
        "timeline": _steps(row),
        "cancel": row.cancel,
        "review": row.review,
        "can_try_again": can_try_again,
        "can_cancel": row.status in BankTransfer.OPEN and row.cancel == BankTransfer.Cancel.NO,
    }
    return render(request, "banking/transfer.html", {"transfer": shown})


def _steps(row: BankTransfer) -> list[dict[str, Any]]:
    """What happened, one step per status it still stands for, and what is to come while it is under way."""
    moves = queries.moves_of(row)
    # The way through the bank network is one step for a person, unless it is stuck there.
    hidden = {Status.QUEUED, Status.SUBMITTED, Status.UNKNOWN} - {Status(row.status)}
    steps = [
        {"status": move.status, "done": True, "at": move.at, **_words(row, move)}
        for move in moves
        if move.status not in hidden
    ]
    if row.status in BankTransfer.OPEN:
        done = {step["status"] for step in steps}
        steps += [
            {"status": status.value, "done": False, "at": None, **_coming(row, status)}
            for status in _USUAL
            if status.value not in done
        ]
    return steps


def _words(row: BankTransfer, move: TransferMove) -> dict[str, str]:
    return {"title": show.title(row.kind, move.status, move.evidence), "text": show.text(row, move.status, move.evidence)}


def _coming(row: BankTransfer, status: BankTransfer.Status) -> dict[str, str]:
    by = f"By {in_words(row.expected_on, row.created_at.date())}." if status == Status.SETTLED else ""
    return {"title": show.title(row.kind, status), "text": by}


def _url(kind: BankTransfer.Kind, public_id: str) -> str:
    return f"/loads/{public_id}" if kind == Kind.LOAD else f"/redemptions/{public_id}"


# ------------------------------------------------------------------------------------------------ live
_OF_TRANSFERS = ("settled", "failed", "cancelled", "cancel_refused", "returned")
_OF_BANKS = {
    "bank_relink": "{bank} wants you to log in again.",
    "bank_relink_soon": "{bank} wants you to log in again soon.",
    "bank_revoked": "PaYa no longer has your permission for {bank}.",
    "link_back": "Banks can be linked again.",
}
LIVE_KINDS = [f"{kind.value}_{what}" for kind in Kind for what in _OF_TRANSFERS] + list(_OF_BANKS)


def words(user_id: int, kind: str, ref: str) -> dict[str, str] | None:
    """What a person is told, live, when a transfer of theirs has ended, or something is up with a bank of theirs."""
    if kind in _OF_BANKS:
        bank = queries.bank_account(user_id=user_id, public_id=ref) if ref else None
        return {"text": _OF_BANKS[kind].format(bank=show.named(bank) if bank else ""), "url": "/banks"}
    of = Kind.LOAD if kind.startswith("load") else Kind.REDEMPTION
    row = queries.transfer(user_id=user_id, kind=of, public_id=ref)
    newest = queries.moves_of(row)[-1]
    return {"text": f"{format_usd(row.amount)}: {show.sentence(row, newest)}", "url": _url(of, ref)}
