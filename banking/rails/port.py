"""What the product asks of a rail (a provider that moves dollars between banks and the reserve).

Every call may raise core.resilience's ProviderDown (nothing was done), ProviderUnknown (it may have been done: ask
again with the same key) or ProviderRejected (understood and refused). None of them runs inside a transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

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


class Rail(Protocol):
    name: str

    def create_customer(self, *, public_id: str, display_name: str) -> str:
        """The rail's id of a person; the same person again gives the same id."""

    def add_bank(self, *, customer: str, processor_token: str, kind: str, name: str) -> str:
        """The id of a bank account at the rail; one that it knows already gives the id it has."""

    def remove_bank(self, *, bank: str) -> None:
        """Make a bank account unusable at the rail; harmless when it is gone."""

    def bank_usable(self, *, bank: str) -> bool:
        """Whether transfers from and to it are possible."""

    def create_pull(self, *, key: UUID, bank: str, amount: int) -> str:
        """Ask for a transfer from a bank into the reserve; its id. The same key never makes a second one."""

    def create_push(self, *, key: UUID, bank: str, amount: int) -> str:
        """Ask for a transfer from the reserve to a bank; its id. The same key never makes a second one."""

    def find(self, *, key: UUID, customer: str) -> RailTransfer | None:
        """The transfer that was made under our key, or None when the rail certainly has none."""

    def status(self, *, transfer: str) -> RailTransfer:
        """What became of a transfer."""

    def cancel(self, *, transfer: str) -> None:
        """Take a transfer back that has not left yet; raises ProviderRejected when it has."""

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether these bytes were signed by the rail."""
