"""Paying. One payment is four round trips: BEGIN, payments_begin, payments_finish, COMMIT (DESIGN: posting engine)."""

import json

from django.db import connection, transaction

from core import idempotency
from core.actor import actor
from core.errors import NotFound
from core.idempotency import Answer
from core.ids import new_id, new_reference
from payments import rules
from wallets.errors import wallet_errors
from wallets.services import Freeze

_BEGIN = (
    "select request, status, answer, available, owed, frozen, frozen_reason, payer_username, payer_name,"
    " payee, payee_username, payee_name, payee_frozen, payee_visibility from payments_begin(%s, %s, %s)"
)
_FINISH = "select answer, balance from payments_finish(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def pay(*, payer_id: int, to: str, amount: int, note: str, visibility: str, key: str | None) -> Answer:
    """Pay `amount` cents to @`to`, once per key; the answer is the payment as the API shows it.

    `key` is None for the demo loader alone. Raises UnknownPayee, PayingOneself, AccountFrozen, RecipientFrozen,
    OwesMoney, InsufficientFunds, IdempotencyKeyReused or IdempotencyInProgress; then nothing has happened.
    """
    to = to.removeprefix("@").lower()
    request = idempotency.fingerprint(
        "payments", {"to": to, "amount": amount, "note": note, "visibility": visibility}
    )
    with transaction.atomic(), wallet_errors(), connection.cursor() as cursor:
        cursor.execute(_BEGIN, [payer_id, key, to])
        row = cursor.fetchone()
        if row[0] is not None:
            return idempotency.replay(row[0], row[1], row[2], request)
        available, owed, frozen, reason, username, name, payee, payee_username, payee_name, stop, wish = row[3:]
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
        final = rules.stricter(visibility, wish)
        sender = json.dumps({"username": username, "display_name": name})
        receiver = json.dumps({"username": payee_username, "display_name": payee_name})
        params = [payer_id, new_id("pay"), new_reference(), payee, amount, note, final, sender, receiver, key, request]
        cursor.execute(_FINISH, params)
        answer: str = cursor.fetchone()[0]
    return Answer(201, answer)


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
