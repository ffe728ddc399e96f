"""The rails, behind one port: nothing outside this folder knows which provider moves the dollars."""

from functools import lru_cache

from banking.rails.dwolla import Dwolla
from banking.rails.port import Rail


@lru_cache(maxsize=1)
def dwolla() -> Dwolla:
    return Dwolla.from_settings()


def rail(name: str) -> Rail:
    """The rail of that name; raises KeyError for another."""
    return {"dwolla": dwolla}[name]()
