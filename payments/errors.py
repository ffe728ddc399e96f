from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError

from core.errors import AccountFrozen, Conflict, NotFound, ValidationError
from ledger.errors import AccountClosed, RecipientFrozen


class UnknownPayee(NotFound):
    code, title = "unknown_payee", "Nobody has that @username"

    def __init__(self, username: str) -> None:
        message = f"Nobody here is called @{username}. Check the spelling."
        super().__init__(message, fields={"to": message})


class PayingOneself(ValidationError):
    code = "paying_oneself"
    detail = "You cannot pay yourself."

    def __init__(self) -> None:
        super().__init__(self.detail, fields={"to": self.detail})


class CannotBePaid(AccountFrozen):
    """Whoever is to be paid receives nothing. Frozen, closing or closed is their own business: the words are the same for all."""

    title = "This person cannot be paid"

    def __init__(self, username: str) -> None:
        message = f"@{username} cannot be paid at the moment. Nothing has left your wallet."
        super().__init__(message, fields={"to": message})


class NoUsernameYet(Conflict):
    code, title = "no_username", "Choose your @username first"
    detail = "Choose your @username before you pay somebody."


class NotHeld(Conflict):
    code, title = "not_held", "This payment has been decided"
    detail = "This payment is not being checked any more, so it cannot be cancelled."


@contextmanager
def payee_errors(username: str) -> Iterator[None]:
    """What the ledger says of a payee who was frozen, or closed, between the two halves of a payment."""
    try:
        yield
    except (RecipientFrozen, AccountClosed) as error:
        raise CannotBePaid(username) from error


@contextmanager
def held_errors() -> Iterator[None]:
    """What the database says of a held payment that has ended, as a typed error."""
    try:
        yield
    except DatabaseError as error:
        if getattr(error.__cause__, "pgcode", None) == "PY124":
            raise NotHeld from error
        raise
