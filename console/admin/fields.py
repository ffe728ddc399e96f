"""What staff fill in, beyond what Django has."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from core.money import MAX_AMOUNT, parse_usd


class Dollars(forms.CharField):
    """An amount as people write it, in cents; from `least` cents on."""

    def __init__(self, *, least: int = 1, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)
        self.least = least

    def clean(self, value: Any) -> int | None:
        """None where it may be left out, and is."""
        text = super().clean(value)
        if not text:
            return None
        cents = parse_usd(text)
        if cents is None or not self.least <= cents <= MAX_AMOUNT:
            raise ValidationError("Enter an amount such as 25 or 25.50.")
        return cents


def as_typed(cents: int) -> str:
    """Cents as `Dollars` reads them: "1000.00"."""
    return f"{cents // 100}.{cents % 100:02d}"
