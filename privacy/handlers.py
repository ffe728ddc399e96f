"""What the relay does with this room's events."""

from kombu.exceptions import OperationalError

from core.outbox import Row, handler
from core.relay import HandlerUnavailable
from privacy.tasks import WAKE_AGAIN, make_export


@handler("export.due")
def wake_up(rows: list[Row]) -> None:
    """Wake up a worker for each copy; the row says whether there is anything left to do."""
    for row in rows:
        try:
            make_export.apply_async([row.payload["export"]], retry=False, expires=WAKE_AGAIN)
        except OperationalError as error:
            raise HandlerUnavailable("the broker is down") from error
