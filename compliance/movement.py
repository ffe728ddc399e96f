"""What rooms above hand in to be screened: a movement, and where it was asked for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MovementKind(StrEnum):
    PAYMENT = "payment"
    LOAD = "load"
    REDEMPTION = "redemption"


@dataclass(frozen=True)
class Origin:
    """Where somebody asked from: their device's row, and the country of their address (ISO 3166), as far as they are known."""

    device_id: int | None = None
    country: str = ""


@dataclass(frozen=True)
class Movement:
    """Money that is about to move; `amount` in cents. A load and a redemption have no payee but the person's own bank."""

    kind: MovementKind
    payer: int
    payee: int | None
    amount: int
    at: datetime
    visibility: str = "private"
