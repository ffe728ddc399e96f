"""Paying. One payment is four round trips: BEGIN, payments_begin, payments_finish, COMMIT (DESIGN: posting engine)."""

import json
from datetime import timedelta

from django.db import connection, transaction

from compliance.movement import Movement, MovementKind, Origin
from compliance.services import screening
from core import idempotency
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import NotFound
from core.idempotency import Answer
from core.ids import new_id, new_reference
from core.staff import call
from payments import rules
from payments.errors import held_errors, payee_errors
from payments.models import Payment
from wallets.errors import wallet_errors
from wallets.services import Freeze

HELD_FOR_DAYS = 7  # how long a payment waits for a decision before it goes back
USUALLY_DECIDED = timedelta(days=1)  # what both are told
# Each of 25 names would be parsed at each payment; what stands where is in payments/sql/0007_stamped.sql.
_BEGIN = "select * from payments_begin(%s, %s, %s, %s, %s)"
_FINISH = "select answer from payments_finish(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
NOWHERE = Origin()


def pay(
    *, payer_id: int, to: str, amount: int, note: str, visibility: str, key: str | None, origin: Origin = NOWHERE
) -> Answer:
    """Pay `amount` cents to @`to`, once per key; the answer is the payment as the API shows it.

    It is `completed`, or `in_review` where it is set aside to be looked at. `key` is None for the demo loader alone. Raises
    UnknownPayee, PayingOneself, AccountFrozen, CannotBePaid, OwesMoney, InsufficientFunds, LimitExceeded, Refused (for its
    score), IdempotencyKeyReused or IdempotencyInProgress; then nothing has moved.
    """
    to = to.removeprefix("@").lower()
    request = idempotency.fingerprint(
        "payments", {"to": to, "amount": amount, "note": note, "visibility": visibility}
    )
    with payee_errors(to), transaction.atomic(), wallet_errors(), connection.cursor() as cursor:
        cursor.execute(_BEGIN, [payer_id, key, to, origin.device_id, amount])
        row = cursor.fetchone()
        if row[0] is not None:
            return idempotency.replay(row[0], row[1], row[2], request)
        available, owed, frozen, reason, username, name, payee, payee_username, payee_name, stop, wish = row[3:14]
        over, stamp = row[14:16]
        figures = screening.PaymentFigures(*row[16:])
        refusal = rules.decide(
            rules.Facts(
                payer=payer_id,
                payer_username=username,
                available=available,
                owed=owed,
                frozen=Freeze(frozen),
                frozen_reason=reason,
                to=to,
                payee=payee,
                payee_frozen=Freeze(stop or 0),
                amount=amount,
            )
        )
        if refusal:
            raise refusal
        if over:
            raise screening.over_limit(payer_id, over)
        final = rules.stricter(visibility, wish)
        movement = Movement(MovementKind.PAYMENT, payer_id, payee, amount, figures.at, final)
        verdict = screening.score_payment(figures, movement, origin, available)
        if verdict.decision != screening.Decision.DENIED:
            sender = json.dumps({"username": username, "display_name": name})
            receiver = json.dumps({"username": payee_username, "display_name": payee_name})
            params = [payer_id, new_id("pay"), new_reference(), payee, amount, note, final, sender, receiver, key, request]
            cursor.execute(_FINISH, [*params, verdict.as_json(), stamp])
            answer: str = cursor.fetchone()[0]
            return Answer(201, answer)
    screening.record_denied(movement=movement, verdict=verdict)
    raise screening.Refused


def cancel_held(*, user_id: int, payment: str) -> None:
    """The payer takes back what is still being looked at; the money is in their balance again.

    Raises NotFound for what is not theirs to cancel, and NotHeld once it has been decided.
    """
    with wallet_errors(), held_errors(), actor(user_id), connection.cursor() as cursor:
        cursor.execute("select payments_cancel_held(%s, %s)", [user_id, payment])
        if cursor.fetchone()[0] is None:
            raise NotFound


def release_held(*, payment: str, label: str, staff_id: int, reason: str) -> None:
    """Let a held payment arrive. Raises Conflict where that cannot be any more, or the recipient cannot receive."""
    call("payments_release_held", [payment, label, reason], staff_id=staff_id)


def deny_held(*, payment: str, label: str, told: str, staff_id: int, reason: str) -> None:
    """Send a held payment back; `told` is what both may know of why. Raises Conflict where it was decided before."""
    call("payments_deny_held", [payment, label, told, reason], staff_id=staff_id)


def expire_held(*, days: int = HELD_FOR_DAYS, limit: int = 100) -> list[str]:
    """Send back what nobody decided about in time, each in a transaction of its own; the payments that went back. As a worker."""
    with actor(SYSTEM):
        waiting = Payment.objects.filter(status="in_review", created_at__lt=now() - timedelta(days=days)).order_by("pk")
        late = list(waiting.values_list("public_id", flat=True)[:limit])
    return [payment for payment in late if _expired(payment, days)]


def _expired(payment: str, days: int) -> bool:
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select payments_expire_one(%s, %s)", [payment, days])
        return bool(cursor.fetchone()[0])


def late_held() -> int:
    """How many held payments wait for longer than the usual day (metrics and alarms); as a worker."""
    with actor(SYSTEM):
        return Payment.objects.filter(status="in_review", created_at__lt=now() - USUALLY_DECIDED).count()


def make_private(*, user_id: int, payment: str) -> bool:
    """Either party takes a payment out of the public feed, for good; False when it was private before.

    Raises NotFound for what is not theirs.
    """
    with actor(user_id), connection.cursor() as cursor:
        cursor.execute("select payments_make_private(%s, %s)", [user_id, payment])
        was_public: bool | None = cursor.fetchone()[0]
    if was_public is None:
        raise NotFound
    return was_public
