"""Refusals of the banking room."""

from core.errors import Conflict, Forbidden, ServiceUnavailable, ValidationError


class BankUnavailable(ServiceUnavailable):
    title = "The bank connection is down"
    detail = "The service that talks to banks is not answering. Nothing was lost; please try again in a minute."


class LinkFailed(ValidationError):
    title = "The bank was not linked"
    detail = "That did not link a bank. Please start again."


class LinkOver(Conflict):
    title = "This link has ended"
    detail = "That link to your bank has ended. Please link your bank again."


class TransfersOpen(Conflict):
    detail = "A transfer with this bank is still under way. You can remove it once that has finished."


class TooLateToCancel(Conflict):
    title = "It is too late to cancel"
    detail = "This transfer can no longer be taken back."


class BankTransfersStopped(Forbidden):
    code, title = "bank_transfers_stopped", "Bank transfers are stopped"
    detail = "The company that moves money for us has stopped transfers with your banks. Please write to us: we find out why."


class NotPresentable(Conflict):
    title = "This cannot be tried again"
    detail = "This load cannot be tried again. You can start a new one, or link another bank."


class AmountMismatch(Exception):
    """The rail reports another amount, or another transfer, than we asked for: nothing is booked, somebody must look."""
