"""Public ids: a prefix that names the thing and a part that sorts by time. An integer key is never shown."""

import secrets
import time
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case: sorts as it counts


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def new_id(prefix: str, *, at: float | None = None) -> str:
    """`pay_` + 10 characters of milliseconds + 16 random ones (80 bits): sortable, and not to be guessed."""
    milliseconds = int((time.time() if at is None else at) * 1000)
    return f"{prefix}_{_base32(milliseconds, 10)}{_base32(secrets.randbits(80), 16)}"


def new_reference() -> uuid.UUID:
    """A time-ordered UUID (version 7 layout): the ledger's primary key stays dense at its right edge."""
    value = (int(time.time() * 1000) & ((1 << 48) - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def derived_reference(base: uuid.UUID, name: str) -> uuid.UUID:
    """The one reference for a named step of something: deriving it again gives the same, so a step happens once."""
    return uuid.uuid5(base, name)
