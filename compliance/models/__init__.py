"""Rows of this room, one file per concern."""

from compliance.models.cases import Case, CaseNote, Label, Outcome, Verdict
from compliance.models.flags import Flag, FlagRule
from compliance.models.freezes import Freeze, PersonNote, Withdrawal
from compliance.models.letters import Letter
from compliance.models.sanctions import HitLifting, NameCheck, SanctionsEntry, SanctionsHit, SanctionsRun, SanctionsSetting
from compliance.models.screening import (
    UNITS,
    Assessment,
    Contact,
    Limit,
    LimitName,
    ScoreVersion,
    Standing,
    Tier,
)
from compliance.models.support import Appeal, Dispute, DisputeMoney, Holiday, Ticket, TicketMessage
from compliance.models.tiers import Document, TierChange

__all__ = [
    "Appeal", "Dispute", "DisputeMoney", "Holiday", "Ticket", "TicketMessage",
    "UNITS", "Assessment", "Case", "CaseNote", "Contact", "Document", "Flag", "FlagRule", "Freeze", "HitLifting", "Label",
    "Letter", "Limit", "LimitName", "NameCheck", "Outcome", "PersonNote", "SanctionsEntry", "SanctionsHit", "SanctionsRun",
    "SanctionsSetting", "ScoreVersion", "Standing", "Tier", "TierChange", "Verdict", "Withdrawal",
]  # fmt: skip
