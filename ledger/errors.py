"""The posting engine's typed SQLSTATEs as typed errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError

from core import errors


class PostingRefused(errors.PayaError):
    """This is no posting: an unknown kind, accounts that the kind does not join, an amount that is none."""

    code, status, title = "posting_refused", 400, "This cannot be posted"


class ReferenceReused(errors.Conflict):
    code = "reference_reused"
    detail = "This reference was posted with other content."


class AlreadyReversed(errors.Conflict):
    code = "already_reversed"
    detail = "This transfer was reversed before."


class AccountClosed(errors.Conflict):
    code = "account_closed"
    detail = "This account is closed."


class AccountNotEmpty(errors.Conflict):
    code = "account_not_empty"
    detail = "There is still money on this account."


class NoSuchAccount(errors.NotFound):
    code = "no_such_account"


class RecipientFrozen(errors.AccountFrozen):
    detail = "This account cannot receive money at the moment."


class BatchRefused(errors.PayaError):
    """One row of a batch was refused, so none was posted; `reference` names the row."""

    code, status, title = "batch_refused", 409, "The batch was refused"

    def __init__(self, detail: str, reference: str) -> None:
        super().__init__(detail)
        self.reference = reference


_BY_SQLSTATE: dict[str, type[errors.PayaError]] = {
    "PY101": ReferenceReused,
    "PY102": errors.InsufficientFunds,
    "PY103": errors.AccountFrozen,
    "PY104": AccountClosed,
    "PY105": NoSuchAccount,
    "PY106": PostingRefused,
    "PY107": AlreadyReversed,
    "PY108": AccountNotEmpty,
}


@contextmanager
def typed_errors() -> Iterator[None]:
    """Raise the typed error that stands for the engine's SQLSTATE; other database errors pass through."""
    try:
        yield
    except DatabaseError as error:
        cause = error.__cause__
        state, diag = getattr(cause, "pgcode", None), getattr(cause, "diag", None)
        if state == "PY109":
            raise BatchRefused(diag.message_primary, diag.message_detail) from error  # type: ignore[union-attr]
        if state == "PY103" and diag is not None and diag.message_detail == "credit":
            raise RecipientFrozen from error
        if state in _BY_SQLSTATE:
            raise _BY_SQLSTATE[state] from error
        raise
