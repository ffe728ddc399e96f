"""What the relay does with events: mark the days whose figures they change."""

from core.outbox import Row, handler
from transparency.statistics import days


@handler("payment.completed")
@handler("wallet.changed")
@handler("user.signed_up")
def moved(rows: list[Row]) -> None:
    days.mark([row.created_at for row in rows])


@handler("payment.hidden")
def hidden(rows: list[Row]) -> None:
    days.mark_payments([row.payload["payment"] for row in rows])
