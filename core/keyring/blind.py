"""Blind indexes: a value is found by its keyed hash. They stay as they are when encryption keys are rotated."""

import hashlib
import hmac

from django.conf import settings


def phone_index(e164: str) -> bytes:
    """The blind index under which a phone is found; without the key it cannot be inverted."""
    return blind_index("phone", e164)


def blind_index(purpose: str, value: str) -> bytes:
    """A blind index for a purpose (number block, address): values of two purposes cannot be compared."""
    return hmac.new(bytes.fromhex(settings.BLIND_KEY), f"{purpose}|{value}".encode(), hashlib.sha256).digest()
