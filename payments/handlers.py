"""What the relay does with payments: give public ones their place in the feed, and wake up whoever is watching."""

from django.db import connection

from compliance.handlers import wake_up
from core import live, outbox


def _in_feed(function: str, rows: list[outbox.Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {function}(%s, %s)", [[row.position for row in rows], [row.payload["payment"] for row in rows]]
        )


@outbox.handler("payment.completed")
def publish(rows: list[outbox.Row]) -> None:
    _in_feed("payments_publish", rows)
    messages: list[live.Message] = [{"topic": "feed"}]
    for row in rows:
        ref = row.payload["payment"]
        messages.append({"topic": "me", "user": row.payload["payer"], "kind": "payment_sent", "ref": ref})
        messages.append({"topic": "me", "user": row.payload["payee"], "kind": "payment_received", "ref": ref})
    live.publish(messages)
    wake_up(rows)


@outbox.handler("payment.hidden")
def unpublish(rows: list[outbox.Row]) -> None:
    _in_feed("payments_unpublish", rows)
    live.publish([{"topic": "feed"}])
