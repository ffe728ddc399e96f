"""Money is integer cents of USD, everywhere. Only pages and statements format it."""

import re
from collections.abc import Sequence

# A bound far above any balance and far below bigint: sums of many amounts cannot wrap.
MAX_AMOUNT = 1_000_000_000_00

# At most 15 digits or groups: int() refuses endless ones, and nobody has that much.
_TYPED = re.compile(r"\$?\s*(\d{1,3}(?:,\d{3}){1,5}|\d{1,15})?(?:\.(\d{1,2}))?")


def format_usd(cents: int) -> str:
    """1234550 -> "$12,345.50"; negative amounts carry a true minus sign."""
    sign = "\u2212" if cents < 0 else ""
    dollars, rest = divmod(abs(cents), 100)
    return f"{sign}${dollars:,}.{rest:02d}"


def parse_usd(text: str) -> int | None:
    """What a person types ("25", "25.7", "$1,250.75") in cents, or None when it is no amount."""
    match = _TYPED.fullmatch(text.strip()) if text.isascii() else None
    if not match or not (match[1] or match[2]):
        return None
    dollars = int((match[1] or "0").replace(",", ""))
    return dollars * 100 + int((match[2] or "0").ljust(2, "0"))


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Divide `total` cents by weights with the largest remainder, ties to the earlier one; the parts sum to it.

    Raises ValueError for a negative total, or weights that are negative or all zero.
    """
    whole = sum(weights)
    if total < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("split needs a total >= 0 and weights >= 0 of which one is positive")
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
