"""Web with payments that nobody screens, for `bin/bench screening`: the way of a payment before there were limits and scores.

Its two functions are still in every database, and no role of the application may call them; the bench grants them in its own.
"""

import json

from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction

application = get_wsgi_application()

from core import idempotency  # noqa: E402
from core.idempotency import Answer  # noqa: E402
from core.ids import new_id, new_reference  # noqa: E402
from payments import api, rules, services  # noqa: E402
from wallets.errors import wallet_errors  # noqa: E402
from wallets.services import Freeze  # noqa: E402

_BEGIN = (
    "select request, status, answer, available, owed, frozen, frozen_reason, payer_username, payer_name,"
    " payee, payee_username, payee_name, payee_frozen, payee_visibility from payments_begin(%s, %s, %s)"
)
_FINISH = "select answer, balance from payments_finish(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def pay(
    *, payer_id: int, to: str, amount: int, note: str, visibility: str, key: str | None, origin: object = None
) -> Answer:
    """As payments.services.pay, without what is compared."""
    to = to.removeprefix("@").lower()
    request = idempotency.fingerprint("payments", {"to": to, "amount": amount, "note": note, "visibility": visibility})
    with transaction.atomic(), wallet_errors(), connection.cursor() as cursor:
        cursor.execute(_BEGIN, [payer_id, key, to])
        row = cursor.fetchone()
        if row[0] is not None:
            return idempotency.replay(row[0], row[1], row[2], request)
        available, owed, frozen, reason, username, name, payee, payee_username, payee_name, stop, wish = row[3:]
        refusal = rules.decide(
            rules.Facts(
                payer=payer_id, payer_username=username, available=available, owed=owed, frozen=Freeze(frozen),
                frozen_reason=reason, to=to, payee=payee, payee_frozen=Freeze(stop or 0), amount=amount,
            )
        )  # fmt: skip
        if refusal:
            raise refusal
        final = rules.stricter(visibility, wish)
        sender = json.dumps({"username": username, "display_name": name})
        receiver = json.dumps({"username": payee_username, "display_name": payee_name})
        params = [payer_id, new_id("pay"), new_reference(), payee, amount, note, final, sender, receiver, key, request]
        cursor.execute(_FINISH, params)
        answer: str = cursor.fetchone()[0]
    return Answer(201, answer)


api.origin_of = lambda request, session: services.NOWHERE  # type: ignore[assignment]  # of nobody's interest here
services.pay = pay  # type: ignore[assignment]  # payments.api asks the module for it at each request
