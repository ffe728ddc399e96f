"""What people ask of us: tickets, appeals and reports of something wrong (sql/0005_*.sql), and what staff do about them."""

from typing import Any
from urllib.parse import quote

from django.db import DatabaseError, connection

from compliance.errors import AskedBefore
from compliance.models import Appeal, Dispute, Ticket
from compliance.models.support import BODY_LONGEST, RESULT_LONGEST, SUBJECT_LONGEST
from core.actor import actor
from core.api import has_control, is_visible
from core.errors import NotFound, PayaError, RateLimited, ValidationError
from core.money import MAX_AMOUNT
from core.staff import call

SHORTEST_RESULT = 10
_TOO_MANY = "You have written a lot today. Please wait until tomorrow; what you have sent is with us."
_ERRORS: dict[str, type[PayaError]] = {"PY150": NotFound, "PY151": RateLimited, "PY152": AskedBefore}


def lines_of(text: str) -> str:
    """Several lines of what people write to each other, tidied: no trailing spaces, no more than one empty line in a row."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = line.strip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip()


def readable(field: str, text: str, longest: int, asked: str) -> str:
    """The text, tidied. Raises ValidationError where there is nothing to read in it, too much, or what is no text."""
    said = lines_of(text)
    if not said or len(said) > longest or not is_visible(said) or any(has_control(line) for line in said.split("\n")):
        raise ValidationError(fields={field: asked})
    return said


def _ask(function: str, params: list[Any], *, user_id: int) -> str:
    """The public id that one of the functions for people answers.

    Raises NotFound, RateLimited, AskedBefore, and ValidationError for an amount that is above what moved.
    """
    marks = ", ".join(["%s"] * len(params))
    try:
        with actor(user_id), connection.cursor() as cursor:
            cursor.execute(f"select {function}({marks})", params)
            return str(cursor.fetchone()[0])
    except DatabaseError as error:
        cause = error.__cause__
        state = getattr(cause, "pgcode", None)
        words = getattr(getattr(cause, "diag", None), "message_primary", None)
        if state == "PY153":
            raise ValidationError(fields={"amount": str(words)}) from error
        if state not in _ERRORS:
            raise
        if state == "PY151":
            raise RateLimited(_TOO_MANY, retry_after=3600) from error
        raise (NotFound() if state == "PY150" else AskedBefore(words)) from error


# ------------------------------------------------------------------------------------------------ what people ask
def write_ticket(*, user_id: int, subject: str, message: str, about: str = "") -> Ticket:
    """Begin a conversation with staff; the same words again, within a day and while it is open, are the same one.

    Raises ValidationError, NotFound where `about` is not theirs, RateLimited after five of them in 24 hours.
    """
    title = readable(
        "subject", subject, SUBJECT_LONGEST, f"Say in a few words what it is about, up to {SUBJECT_LONGEST} characters."
    )
    if "\n" in title:
        raise ValidationError(fields={"subject": "One line, please."})
    body = readable("message", message, BODY_LONGEST, f"Write to us in up to {BODY_LONGEST} characters.")
    ticket = _ask("compliance_write_ticket", [title, body, _public_id(about)], user_id=user_id)
    with actor(user_id):
        return Ticket.objects.only(*TICKET).get(public_id=ticket)


def reply_ticket(*, user_id: int, ticket: str, message: str) -> Ticket:
    """Write on in one's own conversation; what was solved is open again. Raises ValidationError, NotFound, RateLimited."""
    body = readable("message", message, BODY_LONGEST, f"Write to us in up to {BODY_LONGEST} characters.")
    _ask("compliance_reply_ticket", [_public_id(ticket), body], user_id=user_id)
    with actor(user_id):
        return Ticket.objects.only(*TICKET).get(public_id=ticket)


def appeal(*, user_id: int, about: str, message: str) -> Appeal:
    """Ask that somebody else looks at a decision again; `about` is empty for a frozen account. The same words change nothing.

    Raises ValidationError; NotFound for what is not theirs; AskedBefore where one is open or there is no decision; RateLimited.
    """
    said = readable("message", message, BODY_LONGEST, f"Tell us in up to {BODY_LONGEST} characters what we should know.")
    made = _ask("compliance_make_appeal", [_public_id(about), said], user_id=user_id)
    with actor(user_id):
        return Appeal.objects.only(*APPEAL).get(public_id=made)


def report(*, user_id: int, about: str, kind: str, message: str, amount: int | None = None) -> Dispute:
    """Report a payment, load or redemption as not one's own or wrong; once, and again it is the same report.

    `amount` is what of it is wrong, in cents; None for all of it. Its clocks start here (docs/support.md). Raises
    ValidationError; NotFound for what is not theirs; AskedBefore where the amount is above what moved; RateLimited after ten in
    24 hours.
    """
    errors = {}
    if kind not in Dispute.Kind.values:
        errors["kind"] = "Choose what is wrong."
    if amount is not None and not 0 < amount <= MAX_AMOUNT:
        errors["amount"] = "The amount is above zero, and at most what moved."
    if errors:
        raise ValidationError(fields=errors)
    said = readable("message", message, BODY_LONGEST, f"Tell us in up to {BODY_LONGEST} characters what happened.")
    made = _ask("compliance_report_dispute", [_public_id(about), kind, amount or 0, said], user_id=user_id)
    with actor(user_id):
        return Dispute.objects.only(*DISPUTE).get(public_id=made)


def _public_id(text: str) -> str:
    """An id as it can be asked for; whatever is none of ours is nobody's."""
    if len(text) > 60 or quote(text, safe="") != text:
        raise NotFound
    return text


# The columns of each that its person's process may read (sql/0005_support_rights.sql).
TICKET = ("id", "public_id", "user_id", "subject", "about", "status", "created_at", "updated_at")
APPEAL = (
    "id", "public_id", "user_id", "against", "about", "message", "status", "created_at", "due_at", "outcome", "answer",
    "answered_at",
)  # fmt: skip
DISPUTE = (
    "id", "public_id", "user_id", "about", "kind", "amount", "message", "status", "reported_at", "decide_by", "final_by",
    "credited", "credited_at", "outcome", "owed", "result", "decided_at", "result_at", "closed_at", "due_at",
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ what staff do
def give(*, thing: str, to: str = "", staff_id: int, reason: str) -> None:
    """Make a ticket, appeal or dispute one's own, or somebody's by e-mail. Raises Conflict where it is another's, or done."""
    call("compliance_give", [thing, to, reason], staff_id=staff_id)


def answer_ticket(*, ticket: str, message: str, solved: bool, staff_id: int, reason: str) -> None:
    """Write to the person, who is told by letter."""
    body = readable("message", message, BODY_LONGEST, f"Write in up to {BODY_LONGEST} characters.")
    call("compliance_answer_ticket", [ticket, body, solved, reason], staff_id=staff_id)


def solve_ticket(*, ticket: str, staff_id: int, reason: str) -> None:
    call("compliance_solve_ticket", [ticket, reason], staff_id=staff_id)


def answer_appeal(*, appeal: str, outcome: str, answer: str, staff_id: int, reason: str) -> None:
    """In writing, once. Raises Conflict for whoever made the decision that it is about."""
    call("compliance_answer_appeal", [appeal, outcome, _result("answer", answer), reason], staff_id=staff_id)


def ask_credit(*, dispute: str, amount: int, staff_id: int, reason: str) -> None:
    """Ask for a provisional credit of so many cents, which somebody else approves."""
    call("compliance_ask_credit", [dispute, amount, reason], staff_id=staff_id)


def extend(*, dispute: str, staff_id: int, reason: str) -> None:
    """Take longer without a credit: only for whom no identity was checked."""
    call("compliance_extend_dispute", [dispute, reason], staff_id=staff_id)


def decide(*, dispute: str, outcome: str, amount: int, result: str, staff_id: int, reason: str) -> None:
    """The determination: `amount` cents of it were an error. What has to move waits for somebody else."""
    call("compliance_decide_dispute", [dispute, outcome, amount, _result("result", result), reason], staff_id=staff_id)


def decide_money(*, dispute: str, approve: bool, staff_id: int, reason: str) -> None:
    """Approve or refuse what another member of staff asked for; approved, it is posted at once."""
    call("compliance_decide_money", [dispute, approve, reason], staff_id=staff_id)


def _result(field: str, text: str) -> str:
    asked = f"Write it for the person, in {SHORTEST_RESULT} to {RESULT_LONGEST} characters."
    said = readable(field, text, RESULT_LONGEST, asked)
    if len(said) < SHORTEST_RESULT:
        raise ValidationError(fields={field: asked})
    return said
