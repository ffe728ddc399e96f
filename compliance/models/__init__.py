"""Rows of this room, one file per concern."""

from compliance.models.cases import Case, CaseNote, Label, Outcome, Verdict
from compliance.models.flags import Flag, FlagRule
from compliance.models.sanctions import NameCheck, SanctionsEntry, SanctionsHit, SanctionsRun, SanctionsSetting

__all__ = [
    "Case", "CaseNote", "Flag", "FlagRule", "Label", "NameCheck", "Outcome", "SanctionsEntry", "SanctionsHit", "SanctionsRun",
    "SanctionsSetting", "Verdict",
]  # fmt: skip
