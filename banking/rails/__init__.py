"""The rails, behind one port: nothing outside this folder knows which provider moves the dollars."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from banking.rails.dwolla import Dwolla
from banking.rails.port import Rail

if TYPE_CHECKING:
    from banking.rails.stripe import Stripe


@lru_cache(maxsize=1)
def dwolla() -> Dwolla:
    return Dwolla.from_settings()


@lru_cache(maxsize=1)
def _stripe() -> "Stripe":  # `stripe` is the module, once that is imported
    """Raises KeyError where Stripe is not set up."""
    if not settings.STRIPE_SECRET_KEY:
        raise KeyError("stripe")
    from banking.rails.stripe import Stripe  # its SDK takes most of a second to import

    return Stripe.from_settings()


def rail(name: str) -> Rail:
    """The rail of that name; raises KeyError for another, and for one that is not set up."""
    rails: dict[str, Callable[[], Rail]] = {"dwolla": dwolla, "stripe": _stripe}
    return rails[name]()
