"""Direct NACHA files as a rail: nothing is called over a network. What is asked for is a row, and leaves in a file.

A transfer is *processed* on evidence and not by our clock: the bank's own statement of a day by which it would have come
back (for a debit two banking days after it settled; for a credit the day of settlement) was read, and no return with it.
"""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings

from banking.models import NachaEntry
from banking.nacha.model import Direction
from banking.rails.port import Credential, RailStatus, RailTransfer, Terms
from banking.services.nacha import answers, entries, terms
from core.resilience import ProviderDown, ProviderRejected

_PENDING: RailStatus = "pending"
STATUSES: dict[str, RailStatus] = {
    "queued": _PENDING, "filed": _PENDING, "acknowledged": _PENDING, "settled": "processed", "returned": "failed",
    "refused": "failed", "cancelled": "cancelled",
}  # fmt: skip
REFUSED = "FILE"  # the failure code of an entry whose file the bank did not take
REVERSED = "REVERSED"  # of one that we took back ourselves, once that has arrived


class Odfi:
    name = "odfi"
    credential: Credential = "numbers"

    def __init__(self) -> None:
        self.terms = Terms(entries.LOAD_DAYS, entries.REDEMPTION_DAYS, minimum=1, flat=terms.fees().usual())

    @classmethod
    def from_settings(cls) -> "Odfi":
        """Raises KeyError where the bank or the drop is not named."""
        if not (settings.ODFI_DROP and settings.ODFI_ROUTING):
            raise KeyError("odfi")
        return cls()

    def create_customer(self, *, public_id: str, display_name: str) -> str:
        """A bank knows our customers by what stands in their entries: they need no id of their own."""
        return public_id

    def add_bank(self, *, customer: str, credential: str, kind: str, name: str) -> str:
        return entries.add_receiver(customer=customer, numbers=credential, kind=kind)

    def remove_bank(self, *, bank: str) -> None:
        entries.remove_receiver(bank=bank)

    def bank_usable(self, *, bank: str) -> bool:
        return entries.receiver_usable(bank=bank)

    def create_pull(self, *, key: UUID, bank: str, amount: int) -> str:
        return entries.hand_over(key=key, bank=bank, amount=amount, direction=Direction.DEBIT).public_id

    def create_push(self, *, key: UUID, bank: str, amount: int) -> str:
        return entries.hand_over(key=key, bank=bank, amount=amount, direction=Direction.CREDIT).public_id

    def find(self, *, key: UUID, customer: str) -> RailTransfer | None:
        row = entries.by_key(key)
        return shown(row) if row else None

    def status(self, *, transfer: str) -> RailTransfer:
        row = entries.by_id(transfer)
        if row is None:
            raise ProviderRejected("NoSuchEntry")
        return shown(row)

    def cancel(self, *, transfer: str) -> None:
        entries.cancel(entry=transfer)

    def balance(self) -> int:
        """As the last statement says. Raises ProviderDown before the first one."""
        last = answers.last_statement()
        if last is None:
            raise ProviderDown("the bank has sent no statement yet")
        return last.closing

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> bool:
        return False  # a bank has files and no webhooks: whoever sends one is not our bank


def shown(row: NachaEntry) -> RailTransfer:
    status, code = STATUSES[row.status], row.return_code
    if row.status == NachaEntry.Status.REFUSED:
        code = REFUSED
    elif status == "processed" and entries.is_reversed(row):
        status, code = "failed", REVERSED
    return RailTransfer(row.public_id, status, row.amount, "USD", str(row.key), code)
