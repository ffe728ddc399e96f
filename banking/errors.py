"""Refusals of the banking room."""

from core.errors import Conflict, ServiceUnavailable, ValidationError


class BankUnavailable(ServiceUnavailable):
    title = "The bank connection is down"
    detail = "The service that talks to banks is not answering. Nothing was lost; please try again in a minute."


class LinkFailed(ValidationError):
    title = "The bank was not linked"
    detail = "That did not link a bank. Please start again."


class TransfersOpen(Conflict):
    detail = "A transfer with this bank is still under way. You can remove it once that has finished."


class AmountMismatch(Exception):
    """The rail reports another amount, or another transfer, than we asked for: nothing is booked, somebody must look."""
