"""Rows of the banking room. What must be true of every row is kept by the database (sql/)."""

from banking.models.identity import IdentityCheck
from banking.models.inbox import InboxEvent
from banking.models.links import (
    BankAccount,
    BankItem,
    BankSource,
    LinkSession,
    RailCustomer,
    new_account_id,
    new_item_id,
)
from banking.models.nacha import (
    NachaBatch,
    NachaChange,
    NachaCounter,
    NachaEntry,
    NachaFile,
    NachaIncoming,
    NachaOrder,
    NachaQuarantine,
    NachaReceiver,
    NachaReturn,
    NachaStatement,
)
from banking.models.reconciliation import Break, Reconciliation, ReconciliationWish, Statement, StatementLine
from banking.models.returns import Correction, Return
from banking.models.transfers import BankTransfer, LegalMove, RailChoice, TransferMove
from banking.models.upkeep import BankIdentity, ItemWatch, OutageNotice

__all__ = [
    "BankAccount", "BankIdentity", "BankItem", "BankSource", "BankTransfer", "Break", "Correction", "IdentityCheck", "InboxEvent",
    "ItemWatch",
    "LegalMove", "LinkSession", "NachaBatch", "NachaChange", "NachaCounter", "NachaEntry", "NachaFile", "NachaIncoming",
    "NachaOrder", "NachaQuarantine", "NachaReceiver", "NachaReturn", "NachaStatement", "OutageNotice", "RailChoice",
    "RailCustomer",
    "Reconciliation", "ReconciliationWish", "Return", "Statement", "StatementLine", "TransferMove",
    "new_account_id", "new_item_id",  # migration 0001 asks for them here
]  # fmt: skip
