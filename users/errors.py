"""How this room refuses."""

from core.errors import Conflict, Forbidden, Unauthenticated


class CodeRefused(Unauthenticated):
    """A code that does not open anything; the same words whether or not there is such a person."""

    title = "That code did not work"


class SessionEnded(Unauthenticated):
    title = "Please log in again"
    detail = "This session has ended. Please log in again."


class AccountClosed(Forbidden):
    title = "This account is closed"
    detail = "This account is closed. Please write to support."


class RegionNotServed(Forbidden):
    code, title = "region_not_served", "PaYa is not where you are yet"


class UsernameTaken(Conflict):
    code, title = "username_taken", "That @username is taken"


class UsernameAlreadySet(Conflict):
    code, title = "username_already_set", "Your @username cannot change"
    detail = "A @username is chosen once and stays."
