"""What staff fill in, beyond what Django has."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from compliance.services.freezes import TOLD_LONGEST, TOLD_SHORTEST
from core.money import MAX_AMOUNT, parse_usd

TOLD = "What the person reads: the reason in plain words, without a name, a rule or a suspicion that the law forbids us to tell."
EXAMPLE = "For example: We are looking into payments that came to you in the last days, and will write to you once we have."


def told_field(*, required: bool = True, help_text: str = TOLD, example: str = EXAMPLE) -> forms.CharField:
    """What the person is told, in a letter. The service looks at it once more (`freezes.told_of`)."""
    return forms.CharField(
        label="What the person is told", required=required, min_length=TOLD_SHORTEST, max_length=TOLD_LONGEST,
        help_text=help_text, widget=forms.Textarea(attrs={"rows": 3, "placeholder": example}),
    )  # fmt: skip


class Dollars(forms.CharField):
    """An amount as people write it, in cents; from `least` cents on."""

    def __init__(self, *, least: int = 1, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)
        self.least = least

    def prepare_value(self, value: Any) -> Any:
        """Cents that it begins with, as one would type them: "1000.00"."""
        return f"{value // 100}.{value % 100:02d}" if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        """None where it may be left out, and is."""
        text = super().clean(value)
        if not text:
            return None
        cents = parse_usd(text)
        if cents is None or not self.least <= cents <= MAX_AMOUNT:
            raise ValidationError("Enter an amount such as 25 or 25.50.")
        return cents
