"""A person's wallet: opening it, the guard, and the movements between it and the network's accounts.

All of it runs inside `with actor(...)`: the person themself, or SYSTEM in a worker. The calls that mint are open to
workers only; the database refuses them to the web role.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from uuid import UUID

from django.db import connection

from core.actor import SYSTEM, actor, read_as
from core.errors import NotFound
from core.ids import derived_reference, new_id
from core.outbox import emit
from ledger import services as ledger
from ledger.chart import RESERVES, Account, Kind
from ledger.errors import AccountClosed
from wallets.errors import wallet_errors


class Freeze(IntEnum):
    """How much of a wallet is frozen; system kinds (settled loads, returns, rewards) always pass."""

    NONE = 0
    SENDING = 1
    ALL = 2


@dataclass(frozen=True)
class Guarded:
    """A wallet as it is while its guard is held. Amounts in cents."""

    user_id: int
    wallet_id: str
    account: int
    hold_account: int
    receivable_account: int
    available: int
    held: int
    owed: int
    pending_in: int
    pending_out: int
    frozen: Freeze
    frozen_reason: str


_COLUMNS = (
    "user_id, public_id, account, hold_account, receivable_account, available, held, owed, pending_in, pending_out,"
    " frozen, frozen_reason"
)


def state_from(function: str, user_id: int) -> Guarded:
    with wallet_errors(), connection.cursor() as cursor:
        cursor.execute(f"select {_COLUMNS} from {function}(%s)", [user_id])
        return _state(cursor.fetchone())


def state_alone(user_id: int) -> Guarded:
    """The wallet now, for a request that wants nothing else: one round trip, outside of any transaction."""
    with wallet_errors():
        rows = read_as(user_id, f"select {_COLUMNS} from wallets_read(%s)", [user_id])
    return _state(rows[0] if rows else None)


def _state(row: tuple[Any, ...] | None) -> Guarded:
    if row is None:
        raise NotFound("There is no wallet here.")
    return Guarded(*(*row[:10], Freeze(row[10]), row[11]))


def _call(sql: str, params: list[Any]) -> Any:
    with wallet_errors(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()[0]


def open_wallet(user_id: int) -> None:
    """Open the accounts of a person who signs up, in the transaction of the sign-up; again, nothing happens."""
    _call("select wallets_open(%s, %s)", [user_id, new_id("wal")])


def guard(*, user_id: int) -> Guarded:
    """Lock the person's wallet for the rest of the transaction: every decision about their money starts here.

    Raises IdempotencyInProgress when another request of this person holds it for more than 2 s.
    """
    return state_from("wallets_guard", user_id)


def add_pending(*, user_id: int, pending_in: int = 0, pending_out: int = 0) -> None:
    """Change what is on its way, by deltas in cents; under the guard."""
    _call("select wallets_add_pending(%s, %s, %s)", [user_id, pending_in, pending_out])


def burn(*, user_id: int, reference: UUID, amount: int, group: UUID | None = None) -> None:
    """A redemption is requested: wallet to redemptions payable, at once.

    Raises InsufficientFunds, AccountFrozen or OwesMoney.
    """
    _call("select wallets_burn(%s, %s, %s, %s)", [user_id, reference, amount, group])


def mint(*, user_id: int, reference: UUID, amount: int, custodian: str = "dwolla", group: UUID | None = None) -> int:
    """A load settles: reserve to what the person owes first, then to the wallet. The cents that repaid a debt."""
    return _two_sided("wallets_mint", user_id, reference, amount, custodian, group)


def suspend_load(*, reference: UUID, amount: int, custodian: str, group: UUID | None = None) -> None:
    """A load settles for a closed wallet: reserve to suspense, until its owner can be paid."""
    ledger.post(ledger.Posting(reference, Kind.SUSPENDED, RESERVES[custodian], Account.SUSPENSE, amount), group=group)


def claw_back(*, user_id: int, reference: UUID, amount: int, custodian: str = "dwolla", group: UUID | None = None) -> int:
    """A settled load comes back: out of the wallet as far as it reaches, the rest is owed. The cents now owed."""
    return _two_sided("wallets_claw_back", user_id, reference, amount, custodian, group)


def _two_sided(function: str, user_id: int, reference: UUID, amount: int, custodian: str, group: UUID | None) -> int:
    owed_reference = derived_reference(reference, "owed")
    params: list[Any] = [user_id, reference, owed_reference, int(RESERVES[custodian]), amount, group]
    return int(_call(f"select {function}(%s, %s, %s, %s, %s, %s)", params))


def settle_redemption(*, reference: UUID, amount: int, custodian: str = "dwolla", group: UUID | None = None) -> None:
    """The cash of a redemption has left: redemptions payable to reserve."""
    posting = ledger.Posting(
        reference, Kind.REDEMPTION_SETTLED, Account.REDEMPTIONS_PAYABLE, RESERVES[custodian], amount
    )
    ledger.post(posting, group=group)


def return_tokens(*, user_id: int, reference: UUID, amount: int, group: UUID | None = None) -> None:
    """A redemption failed: the tokens go back, frozen or not; for a closed wallet they wait in suspense."""
    account = guard(user_id=user_id).account
    payable = Account.REDEMPTIONS_PAYABLE
    try:
        ledger.post(ledger.Posting(reference, Kind.REDEMPTION_FAILED, payable, account, amount), group=group)
    except AccountClosed:
        ledger.post(ledger.Posting(reference, Kind.SUSPENDED, payable, Account.SUSPENSE, amount), group=group)


def freeze(*, user_id: int, level: Freeze, reason: str) -> Freeze:
    """Set what the wallet shows, as a worker. Returns what the wallet is now: triggers keep what else restricts the person.

    Why somebody is frozen is a row of compliance_freeze (compliance/services/freezes.py), banking's returns or a sanctions hit.
    """
    with actor(SYSTEM):
        now = set_frozen(user_id=user_id, level=level, reason=reason)
        emit("wallet.changed", user=user_id, kind="frozen" if now else "unfrozen", ref="")
        return now


def set_frozen(*, user_id: int, level: Freeze, reason: str) -> Freeze:
    """The same inside somebody's own transaction, who also tells the person."""
    _call("select wallets_set_frozen(%s, %s::smallint, %s)", [user_id, int(level), reason])
    return state_from("wallets_read", user_id).frozen


# ------------------------------------------------------------------------------------------------ closing it
def burn_closing(*, user_id: int, reference: UUID, amount: int, group: UUID | None = None) -> None:
    """What is left of a wallet that is being closed: to redemptions payable, past its freeze. Workers only.

    Raises InsufficientFunds or OwesMoney.
    """
    _call("select wallets_burn_closing(%s, %s, %s, %s)", [user_id, reference, amount, group])


def set_aside(*, user_id: int, reference: UUID, amount: int) -> None:
    """What no rail carries, being too little: to suspense, for its owner to ask for. Workers only."""
    _call("select wallets_set_aside(%s, %s, %s)", [user_id, reference, amount])


def close_wallet(*, user_id: int) -> None:
    """Close an empty wallet for good; again, nothing happens. Workers only.

    Raises AccountNotEmpty while something is on it, on its way, or owed.
    """
    _call("select wallets_close(%s)", [user_id])


def close_debts(*, user_id: int) -> None:
    """Close what the person could still owe, once no return can come any more. Raises AccountNotEmpty while they owe."""
    _call("select wallets_close_debts(%s)", [user_id])
