"""How this room refuses."""

from django.conf import settings

from core.errors import Conflict, Forbidden, Unauthenticated


class CodeRefused(Unauthenticated):
    """A code that does not open anything; the same words whether or not there is such a person."""

    title = "That code did not work"


class SessionEnded(Unauthenticated):
    title = "Please log in again"
    detail = "This session has ended. Please log in again."


class AccountClosed(Forbidden):
    """Whoever closed it cannot log in to write to us: there is an address for them, where one is set."""

    title = "This account is closed"

    def __init__(self) -> None:
        contact = f" If something is left to settle, write to {settings.SUPPORT_ADDRESS}." if settings.SUPPORT_ADDRESS else ""
        super().__init__(f"This account is closed.{contact}")


class RegionNotServed(Forbidden):
    code, title = "region_not_served", "PaYa is not where you are yet"


class UsernameTaken(Conflict):
    code, title = "username_taken", "That @username is taken"


class UsernameAlreadySet(Conflict):
    code, title = "username_already_set", "Your @username cannot change"
    detail = "A @username is chosen once and stays."
