"""What is held for its score: let it go on, or send it back. Offered on its own page and on that of its case."""

from typing import Any

from django import forms

from banking.services import reviews
from compliance.models import Label, ScoreVersion
from console.admin.actions import Action, Form
from console.admin.base import wallet_of
from console.models import BankTransfer, Case, Payment, Wallet
from core.api import has_control
from core.errors import ValidationError
from core.money import format_usd
from payments import services as payments

TOLD = "We could not make sure that this is what it seems, so we did not let it through."
Held = Payment | BankTransfer


def held_of(row: Held | Case) -> Held | None:
    """The payment or bank transfer that a page is about while it is held, or None."""
    found: Held | None = row if isinstance(row, Payment | BankTransfer) else None
    if isinstance(row, Case) and row.kind == "held_payment":
        found = Payment.objects.filter(pk=row.about).first()
    elif isinstance(row, Case) and row.kind == "held_transfer":
        found = BankTransfer.objects.filter(pk=row.about).first()
    if isinstance(found, Payment):
        return found if found.status == "in_review" else None
    return found if found is not None and found.review == "waiting" and found.status in ("requested", "queued") else None


def _still(row: Held | Case) -> Held:
    held = held_of(row)
    if held is None:
        raise ValidationError("It is not being checked any more.")
    return held


def _amount(payment: Payment) -> str:
    """Of a private payment the amount is not told here; its page shows it to whoever says why."""
    return "A private amount" if payment.amount is None else format_usd(payment.amount)


def score_lines(measured: dict[str, Any]) -> list[tuple[str, str]] | None:
    """A score line by line, as one reads it, or None where this is no score: ("new device", "+150: logged in 2 h ago")."""
    if not {"score", "version", "signals"} <= measured.keys():
        return None
    version = ScoreVersion.objects.filter(pk=measured["version"]).first()
    held = f", from {version.hold_at} on it is held (version {version.name})" if version else ""
    lines = [("score", f"{measured['score']} of 1000{held}")]
    lines += [(name.replace("_", " "), f"+{points}: {why}") for name, _, points, why in measured["signals"]]
    return lines + [(f"in the shadow: {name}", str(score)) for name, score in measured.get("shadow", {}).items()]


class _OfHeld(Action):
    reauthenticate = True

    class form(Form):
        label = forms.ChoiceField(label="What it turned out to be", choices=Label.choices, initial=Label.UNCLEAR)

    def offered(self, row: Held | Case) -> bool:
        return held_of(row) is not None


class Release(_OfHeld):
    name, title = "release", "Let it through"
    hint = "The label is kept with what was measured when it was held."
    acts = "held.release"

    def preview(self, row: Held | Case, given: Any) -> list[str]:
        held = _still(row)
        if isinstance(held, BankTransfer):
            sent = "is asked of their bank" if held.kind == "load" else "goes out to their bank"
            return [f"{format_usd(held.amount)} of @{held.username} {sent} now.", "They are told, and its case is closed."]
        payee = wallet_of(held.payee_id)
        if payee is None or payee.frozen == Wallet.NEITHER:
            raise ValidationError(
                f"@{held.payee_name} cannot receive anything at the moment. Leave it until they can, or send it back."
            )
        said = [f"{_amount(held)} of @{held.payer_name} arrives at @{held.payee_name} now, for good."]
        if held.visibility == "public":
            said.append("It appears in the public feed, without its amount.")
        return [*said, "Both are told that it has arrived, and its case is closed."]

    def do(self, row: Held | Case, given: Any, *, staff_id: int, reason: str) -> str:
        held = _still(row)
        if isinstance(held, BankTransfer):
            reviews.release(transfer=held.pk, label=given["label"], staff_id=staff_id, reason=reason)
            return "It goes out within seconds."
        payments.release_held(payment=held.pk, label=given["label"], staff_id=staff_id, reason=reason)
        return "It has arrived."


class Deny(_OfHeld):
    name, title = "deny", "Send it back"
    hint = "The reason below stays with us. What they are told is written here: name no rule, and nobody else."
    acts = "held.deny"

    class form(_OfHeld.form):
        told = forms.CharField(
            label="What they are told", initial=TOLD, min_length=10, max_length=500, widget=forms.Textarea(attrs={"rows": 3})
        )

        def clean_told(self) -> str:
            told = " ".join(str(self.cleaned_data["told"]).split())
            if has_control(told):
                raise forms.ValidationError("Please write it without special signs.")
            return told

    def preview(self, row: Held | Case, given: Any) -> list[str]:
        held = _still(row)
        if isinstance(held, BankTransfer):
            what = "Nothing is taken from their bank." if held.kind == "load" else "The money is back in their balance."
            said = [f"The {held.kind} of {format_usd(held.amount)} for @{held.username} is cancelled. {what}"]
        else:
            said = [f"{_amount(held)} goes back to @{held.payer_name}, and never reaches @{held.payee_name}."]
        said.append("They are told, with how to appeal, and its case is closed.")
        return said if "told" not in given else [*said, f"They are told: “{given['told']}”"]

    def do(self, row: Held | Case, given: Any, *, staff_id: int, reason: str) -> str:
        held = _still(row)
        deciding = {"label": given["label"], "told": given["told"], "staff_id": staff_id, "reason": reason}
        if isinstance(held, BankTransfer):
            reviews.deny(transfer=held.pk, **deciding)
        else:
            payments.deny_held(payment=held.pk, **deciding)
        return "It goes back."
