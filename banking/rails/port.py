"""What the product asks of a rail (a provider that moves dollars between banks and the reserve).

Every call may raise core.resilience's ProviderDown (nothing was done), ProviderUnknown (it may have been done: ask
again with the same key) or ProviderRejected (understood and refused). None of them runs inside a transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID

from banking.statements import Statement
from core.resilience import ProviderRejected

RailStatus = Literal["pending", "processed", "failed", "cancelled"]


@dataclass(frozen=True)
class RailTransfer:
    """A transfer as the rail shows it: the only source of amounts and statuses that is believed."""

    id: str
    status: RailStatus
    amount: int  # cents
    currency: str
    key: str  # the correlation id that we gave it
    failure_code: str = ""


@dataclass(frozen=True)
class Terms:
    """What a rail promises and asks for. Costs are for choosing and showing; what is booked stands on its statement."""

    load_days: int  # business days until the money is in the wallet
    redemption_days: int  # business days until it is at the bank
    minimum: int  # the smallest transfer, in cents
    flat: int  # what a transfer costs us, in cents …
    basis_points: int = 0  # … and of its amount …
    cap: int | None = None  # … up to this

    def cost(self, amount: int) -> int:
        """What PaYa pays for a transfer of `amount` cents, rounded up."""
        cost = self.flat - (-amount * self.basis_points // 10_000)
        return cost if self.cap is None else min(cost, self.cap)


Credential = Literal["dwolla", "stripe", "numbers"]


@dataclass(frozen=True)
class RailPerson:
    """A person as the rail shows them."""

    public_id: str  # ours
    served: bool  # whether it makes transfers for them


class ReserveShort(ProviderRejected):
    """What we hold at the custodian does not cover a push. It was certainly not made, and no fault of the person's:
    it waits for money to arrive there.
    """

    def __init__(self) -> None:
        super().__init__("reserve_short")


class Rail(Protocol):
    name: str  # the custodian too: each has a reserve account of its own (ledger.chart.RESERVES)
    # What `add_bank` wants of Plaid: a processor token for Dwolla, Stripe's bank account token, or "routing:account".
    credential: Credential
    terms: Terms

    def create_customer(self, *, public_id: str, display_name: str) -> str:
        """The rail's id of a person; the same person again gives the same id."""

    def add_bank(self, *, customer: str, credential: str, kind: str, name: str) -> str:
        """The id of a bank account at the rail; one that it knows already gives the id it has."""

    def remove_bank(self, *, bank: str) -> None:
        """Make a bank account unusable at the rail; harmless when it is gone."""

    def bank_usable(self, *, bank: str) -> bool:
        """Whether transfers from and to it are possible."""

    def create_pull(self, *, key: UUID, bank: str, amount: int) -> str:
        """Ask for a transfer from a bank into the reserve; its id. The same key never makes a second one."""

    def create_push(self, *, key: UUID, bank: str, amount: int) -> str:
        """Ask for a transfer from the reserve to a bank; its id. The same key never makes a second one.

        Raises ReserveShort besides, where the custodian does not hold enough for us.
        """

    def find(self, *, key: UUID, customer: str) -> RailTransfer | None:
        """The transfer that was made under our key, or None when the rail certainly has none."""

    def status(self, *, transfer: str) -> RailTransfer:
        """What became of a transfer."""

    def cancel(self, *, transfer: str) -> None:
        """Take a transfer back that has not left yet; raises ProviderRejected when it has."""

    def balance(self) -> int:
        """The cents that the custodian says it holds for us."""

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether these bytes were signed by the rail."""


@runtime_checkable
class KnowsPeople(Protocol):
    """A rail that keeps people as customers and may stop serving one of them."""

    def customer(self, *, customer: str) -> RailPerson:
        """A customer by their id there."""


@runtime_checkable
class TellsStatement(Protocol):
    """A rail whose statement is read over its API; the others' banks send files."""

    def statement(self, *, since: date | None) -> Statement:
        """What it holds for us, and what moved since a day of its own calendar, or ever."""
