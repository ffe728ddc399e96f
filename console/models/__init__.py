"""What the staff's site shows, and how staff get in.

The site reads views (console/sql) and not the rooms' tables: a view says what staff may see of a thing, its key is the
public id, and the database itself leaves out what needs a reason first. None of them can be written.
"""

from console.models.attestations import Attestation, ProofComplaint
from console.models.cases import Case, CaseNote, CaseVerdict, Flag, FlagRule, Hit, HitLifting, ListRun
from console.models.nacha import NachaBatch, NachaChange, NachaEntry, NachaFile, NachaIncoming, NachaLine, NachaReceiver
from console.models.own import (
    ActionRecord,
    Authenticator,
    Invitation,
    KeyChallenge,
    LogInTry,
    SecurityKey,
    StaffSession,
    real_time,
    step_of,
)
from console.models.person import Freeze, PersonDevice, PersonNote, Withdrawal
from console.models.privacy import Closing, LegalHold, Retention
from console.models.rails import BankTransfer, Ceiling, CeilingHistory, Correction, InboxEvent, RailChoice, Return, Vendor
from console.models.reconciliation import Break, Reconciliation, Statement, StatementLine
from console.models.rewards import Appeal, Ineligible, Reward, RewardRun, RewardSetting
from console.models.shown import OutboxRow, Payment, Person, Shown, StaffAction, StaffLook, Transfer, Wallet
from console.models.support import Dispute, DisputeMoney, PersonAppeal, Ticket, TicketMessage
from console.models.tiers import Document, LimitHistory, LimitShown, Scoring, TierMove
from console.models.trail import Member, PersonView, TrailEntry

__all__ = [
    "ActionRecord", "Appeal", "Attestation", "Authenticator", "BankTransfer", "Break", "Case", "CaseNote", "CaseVerdict",
    "Ceiling", "CeilingHistory", "Correction", "Flag", "FlagRule", "Hit", "HitLifting", "InboxEvent", "ListRun",
    "Ineligible", "LogInTry", "NachaBatch", "NachaChange", "NachaEntry", "NachaFile", "NachaIncoming", "NachaLine",
    "NachaReceiver", "OutboxRow", "Payment", "Person", "ProofComplaint", "RailChoice", "Reconciliation", "Return", "Reward",
    "RewardRun", "RewardSetting", "Shown", "StaffAction", "StaffLook", "StaffSession", "Statement", "StatementLine",
    "Dispute", "DisputeMoney", "PersonAppeal", "Ticket", "TicketMessage", "Transfer", "Vendor",
    "Wallet", "real_time", "step_of", "Member", "PersonView", "TrailEntry",
    "Document", "LimitHistory", "LimitShown", "Scoring", "TierMove",
    "Closing", "LegalHold", "Retention",
    "Invitation", "KeyChallenge", "SecurityKey",
    "Freeze", "PersonDevice", "PersonNote", "Withdrawal",
]  # fmt: skip
