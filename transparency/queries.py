"""The figures that everybody may check."""

from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from core import clock
from ledger import queries as ledger


def ratio_percent(reserve: int, required: int) -> str | None:
    """Reserve over required in percent with two places, rounded down: never better than it is. None without tokens."""
    if required == 0:
        return None
    return str((Decimal(reserve) * 100 / required).quantize(Decimal("0.01"), rounding=ROUND_FLOOR))


def figures() -> dict[str, Any]:
    """Cents, read in one statement, and the time of reading."""
    f = ledger.figures()
    as_of: datetime = clock.now()
    return {
        "reserve": f.reserve,
        "circulation": f.circulation,
        "required": f.required,
        "pool": f.pool,
        "ratio": ratio_percent(f.reserve, f.required),
        "as_of": as_of,
    }
