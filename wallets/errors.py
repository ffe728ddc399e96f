from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError

from core.errors import AccountFrozen, Forbidden, IdempotencyInProgress
from core.money import format_usd
from ledger.errors import typed_errors


class OwesMoney(Forbidden):
    code, title = "balance_owed", "There is something to repay first"

    def __init__(self, owed: int | None = None) -> None:
        amount = f" {format_usd(owed)}" if owed else ""
        super().__init__(f"You owe{amount} from a load that your bank took back. Your next load repays it first.")


APPEAL, WITHDRAW = "/appeal", "/withdraw"


def frozen_error(level: int, reason: str) -> AccountFrozen:
    """The refusal of what a frozen person asks for: why in words, whether they can still receive, and where they go from here."""
    return AccountFrozen(
        f"Your account is frozen: {reason}", reason=reason, can_receive=level < 2, appeal=APPEAL, withdraw=WITHDRAW
    )


class NotYours(Forbidden):
    detail = "This wallet is somebody else's."


@contextmanager
def wallet_errors() -> Iterator[None]:
    """The typed errors of the wallet's functions; a guard that stays taken is another request of this person."""
    try:
        with typed_errors():
            yield
    except DatabaseError as error:
        state = getattr(error.__cause__, "pgcode", None)
        if state == "PY120":
            raise NotYours from error
        if state == "PY121":
            raise OwesMoney from error
        if state == "55P03":
            raise IdempotencyInProgress(retry_after=1) from error
        raise
