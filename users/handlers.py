"""What the relay does with this room's events."""

from kombu.exceptions import OperationalError

from core import live
from core.outbox import Row, handler
from core.relay import HandlerUnavailable
from users.tasks import send_sms


@handler("sms.due")
def wake_up(rows: list[Row]) -> None:
    """Wake up a worker for each SMS; the row says whether there is anything left to do."""
    for row in rows:
        try:
            send_sms.apply_async([row.payload["challenge"]], retry=False)
        except OperationalError as error:
            raise HandlerUnavailable("the broker is down") from error


@handler("device.revoked")
def close_sockets(rows: list[Row]) -> None:
    """Have the open sockets of these devices closed, in whichever process they are."""
    live.publish([
        {"topic": "me", "kind": "device_revoked", "ref": "", "user": row.payload["user"], "device": row.payload["device"]}
        for row in rows
    ])  # fmt: skip
