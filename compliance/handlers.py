"""What the relay does for this room: wake up who looks at movements, right after each."""

import contextlib

from kombu.exceptions import OperationalError

from compliance.tasks import look_at_movements
from core.outbox import Row


def wake_up(rows: list[Row]) -> None:
    """One message for a run of payments. Without a broker the sweep finds them.

    The payments' own handler calls it last: once its live updates have gone out Redis is there, and a broker that hangs keeps
    nobody's feed waiting.
    """
    with contextlib.suppress(OperationalError):
        look_at_movements.apply_async(retry=False, expires=60)
