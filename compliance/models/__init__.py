"""Rows of this room, one file per concern."""

from compliance.models.cases import Case, CaseNote, Label, Outcome, Verdict

__all__ = ["Case", "CaseNote", "Label", "Outcome", "Verdict"]
