"""The rails, behind one port: nothing outside this folder knows which provider moves the dollars."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from banking.rails.dwolla import Dwolla
from banking.rails.port import Rail

if TYPE_CHECKING:
    from banking.rails.odfi import Odfi
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


def ping_stripe() -> None:
    """Whether Stripe answers. Raises KeyError where it is not set up."""
    _stripe().ping()


def ping_odfi() -> None:
    """Whether the bank's drop can be read and written. Raises KeyError where none is set up."""
    from banking.rails.drop import drop, reaching

    with reaching():
        drop().ping()


def _odfi() -> "Odfi":
    """Raises KeyError where no bank takes our files."""
    from banking.rails.odfi import Odfi  # whose services ask for rails themselves

    return Odfi.from_settings()


_RAILS: dict[str, Callable[[], Rail]] = {"dwolla": dwolla, "stripe": _stripe, "odfi": _odfi}


def rail(name: str) -> Rail:
    """The rail of that name; raises KeyError for another, and for one that is not set up."""
    return _RAILS[name]()


def available() -> list[str]:
    """The rails that are set up, in the order in which they are offered."""
    return [name for name in _RAILS if _is_set_up(name)]


def _is_set_up(name: str) -> bool:
    try:
        rail(name)
    except KeyError:
        return False
    return True
