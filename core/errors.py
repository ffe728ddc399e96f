"""Typed errors. Services raise them; the API turns them into problem documents, pages into words."""

from typing import Any


class PayaError(Exception):
    """A refusal with a stable `code`, an HTTP status, a short title and a sentence for the person.

    `data` holds further members of the problem document (which limit, when it frees); `fields` maps a field's
    name to its sentence; `retry_after` is in seconds.
    """

    code = "error"
    status = 400
    title = "That did not work"
    detail = "Something about this request is not right."

    def __init__(
        self,
        detail: str | None = None,
        *,
        fields: dict[str, str] | None = None,
        retry_after: int | None = None,
        **data: Any,
    ) -> None:
        self.detail = detail or self.detail
        self.fields = fields or {}
        self.retry_after = retry_after
        self.data = data
        super().__init__(self.detail)


class ValidationError(PayaError):
    code, status, title = "validation_error", 400, "Please check what you entered"
    detail = "Some of the fields are not right."


class Unauthenticated(PayaError):
    code, status, title = "unauthenticated", 401, "Please log in"
    detail = "This needs a valid access token."


class Forbidden(PayaError):
    code, status, title = "forbidden", 403, "Not allowed"
    detail = "You may not do this."


class NotFound(PayaError):
    code, status, title = "not_found", 404, "Not found"
    detail = "There is nothing here, or it is not yours to see."


class MethodNotAllowed(PayaError):
    code, status, title = "method_not_allowed", 405, "Method not allowed"
    detail = "This address does not take that method."


class Conflict(PayaError):
    code, status, title = "conflict", 409, "That does not fit what is already there"


class InsufficientFunds(PayaError):
    code, status, title = "insufficient_funds", 402, "Not enough money"
    detail = "Your balance does not reach that far."


class LimitExceeded(PayaError):
    code, status, title = "limit_exceeded", 403, "That is over a limit"


class AccountFrozen(PayaError):
    code, status, title = "account_frozen", 403, "This account is frozen"
    detail = "This account is frozen at the moment."


class RateLimited(PayaError):
    code, status, title = "rate_limited", 429, "Too many tries"
    detail = "Please wait a little and try again."


class ServiceUnavailable(PayaError):
    code, status, title = "service_unavailable", 503, "Not available right now"
    detail = "A part that this needs is down. Nothing was lost; please try again."


class IdempotencyKeyRequired(PayaError):
    code, status, title = "idempotency_key_required", 400, "A usable Idempotency-Key is missing"
    detail = "Send a header Idempotency-Key of 1 to 255 printable ASCII characters."


class IdempotencyKeyReused(PayaError):
    code, status, title = "idempotency_key_reused", 422, "Idempotency-Key was used before"
    detail = "This key belongs to an earlier request with different content."


class IdempotencyInProgress(PayaError):
    code, status, title = "idempotency_in_progress", 409, "Still working on it"
    detail = "An earlier request of yours is still running. Try again with the same key."


class NoActor(RuntimeError):
    """A programming error: personal rows were touched outside `with actor(...)`. Never shown to a person."""
