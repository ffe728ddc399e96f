"""Rows of this room, one file per concern."""

from compliance.models.cases import Case, CaseNote, Label, Outcome, Verdict
from compliance.models.flags import Flag, FlagRule
from compliance.models.letters import Letter
from compliance.models.sanctions import NameCheck, SanctionsEntry, SanctionsHit, SanctionsRun, SanctionsSetting
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

__all__ = [
    "UNITS", "Assessment", "Case", "CaseNote", "Contact", "Flag", "FlagRule", "Label", "Letter", "Limit", "LimitName",
    "NameCheck", "Outcome", "SanctionsEntry", "SanctionsHit", "SanctionsRun", "SanctionsSetting", "ScoreVersion", "Standing",
    "Tier", "Verdict",
]  # fmt: skip
