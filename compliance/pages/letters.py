"""Messages: what PaYa told a person, newest first, and each on a page of its own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from compliance import queries
from compliance.models import Letter
from compliance.services import letters
from core.actor import actor
from core.api import encode_cursor, page_params
from core.pages import login_required, session_of

# Where a letter of a kind leads on: address, what to do there, and a line about it.
NextSteps = list[tuple[str, str, str]]
_LOOK_AGAIN = ("Ask us to look again", "Say what we should know; a person answers")
_STEPS: dict[str, NextSteps] = {
    "frozen": [
        ("/appeal", *_LOOK_AGAIN),
        ("/withdraw", "Take your money out", "To your bank, once our staff have approved it"),
    ],
    "withdrawal": [("/withdraw", "Your withdrawals", "")],
    "tier": [("/limits", "Your limits", "")],
    "document": [("/identity/documents", "Identity documents", "")],
    "appeal": [("/help", "Your appeals", "Under Help")],
    "sanctions": [("/help", "Write to us", "A person reads it")],
}
_THINGS = {
    "pay": ("/payments/", "See the payment"), "ld": ("/loads/", "See the load"), "rd": ("/redemptions/", "See the redemption"),
    "tkt": ("/help/", "Open the conversation"), "dsp": ("/disputes/", "See your report"),
}  # fmt: skip
# Letters that tell of a decision: about the thing itself where it can be appealed, else about the letter.
_DECIDED = {"adjustment", "review", "rewards", "payment_denied", "transfer_denied"}


def _next_steps(letter: Letter) -> NextSteps:
    path, words = _THINGS.get(letter.about.partition("_")[0], ("", ""))
    about = [(path + letter.about, words, "")] if path else []
    return [*about, *_STEPS.get(letter.kind, []), *_appeal(letter)]


def _appeal(letter: Letter) -> NextSteps:
    if letter.kind not in _DECIDED and not (letter.kind == "tier" and "appeal" in letter.body):
        return []
    about = letter.about if letter.kind in ("payment_denied", "transfer_denied") else letter.public_id
    return [(f"/appeal?about={about}", *_LOOK_AGAIN)]


@require_safe
@login_required
def messages(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    before, limit = page_params(request.GET)
    with actor(user_id):
        rows = queries.letters(user_id, before=before, limit=limit)
        unread = queries.unread_letters(user_id)
    next_cursor = encode_cursor(rows[limit - 1].pk) if len(rows) > limit else None
    return render(request, "compliance/messages.html", {"letters": rows[:limit], "next_cursor": next_cursor, "unread": unread})


@require_safe
@login_required
def message(request: HttpRequest, letter: str) -> HttpResponse:
    """The letter. A GET changes nothing: the page sends its own form once it was opened, or the person presses its button."""
    row = queries.letter(session_of(request).user_id, letter)
    return render(request, "compliance/message.html", {"letter": row, "next_steps": _next_steps(row)})


@require_POST
@login_required
def read(request: HttpRequest, letter: str) -> HttpResponse:
    letters.mark_read(user_id=session_of(request).user_id, letter=letter)
    return redirect(f"/messages/{letter}")


@require_POST
@login_required
def all_read(request: HttpRequest) -> HttpResponse:
    """Everything up to the newest letter that was on the page: what has come since stays unread."""
    letters.mark_all_read(user_id=session_of(request).user_id, newest=request.POST.get("newest", "")[:60])
    return redirect("/messages")
