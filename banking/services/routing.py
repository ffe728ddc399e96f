"""Which rail serves a transfer: one setting per kind, changed by staff while PaYa runs.

A transfer takes its rail when it is asked for and keeps it (the database refuses another): a change concerns new ones.
"""

from banking import rails
from banking.models import BankTransfer, RailChoice
from core.errors import ValidationError
from core.staff import call, reason_of

DEFAULT_RAIL = "dwolla"


def chosen_rail(kind: str) -> str:
    """The rail that serves new transfers of a kind: what staff chose last, as long as it is set up."""
    chosen = RailChoice.objects.filter(kind=kind).order_by("-pk").values_list("rail", flat=True).first()
    return chosen if chosen in rails.available() else DEFAULT_RAIL


def chosen_rails() -> list[str]:
    """The rails that serve new transfers, the one for loads first."""
    return list(dict.fromkeys(chosen_rail(kind) for kind in BankTransfer.Kind.values))


def choose_rail(*, kind: str, rail: str, staff_id: int, reason: str) -> None:
    """Staff send new transfers of a kind by another rail. Raises ValidationError for a rail that is not set up."""
    if kind not in BankTransfer.Kind.values:
        raise ValidationError(fields={"kind": "Choose loads or redemptions."})
    if rail not in rails.available():
        raise ValidationError(fields={"rail": "This rail is not set up."})
    call("banking_choose_rail", [kind, rail, reason_of(reason)], staff_id=staff_id)
