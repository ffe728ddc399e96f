"""Circuit breakers and retries for calls to other people's machines."""

from collections.abc import Callable
from typing import TypeVar

import pybreaker
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from core.errors import ServiceUnavailable

T = TypeVar("T")


class ProviderDown(Exception):
    """The provider did not do it and certainly did nothing: refused connection, 5xx before work, open breaker."""


class ProviderUnknown(Exception):
    """No answer: it may or may not have been done. Ask again with the same key; never assume either."""


class ProviderRejected(Exception):
    """The provider understood and refused; trying again changes nothing. `code` is the provider's own."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        super().__init__(f"{code}: {message}" if message else code)


_breakers: dict[str, pybreaker.CircuitBreaker] = {}


def breaker(name: str) -> pybreaker.CircuitBreaker:
    """The breaker of a provider: opens after 5 failures in a row, lets one call try again after 15 s."""
    if name not in _breakers:
        _breakers[name] = pybreaker.CircuitBreaker(
            fail_max=5, reset_timeout=15, exclude=[ProviderRejected], name=name, throw_new_error_on_trip=False
        )
    return _breakers[name]


def call(name: str, function: Callable[[], T], *, tries: int = 1) -> T:
    """Call a provider through its breaker; more than one try only for calls that are safe to repeat.

    Raises ProviderDown (breaker open included), ProviderUnknown or ProviderRejected, as `function` does.
    """
    for attempt in Retrying(
        stop=stop_after_attempt(tries),
        wait=wait_exponential_jitter(initial=0.1, max=2),
        retry=retry_if_exception_type((ProviderDown, ProviderUnknown)),
        reraise=True,
    ):
        with attempt:
            try:
                return breaker(name).call(function)
            except pybreaker.CircuitBreakerError as error:
                raise ProviderDown(f"{name} is resting after failures") from error
    raise AssertionError("tenacity reraises")


def unavailable(name: str) -> ServiceUnavailable:
    """What a person is told when a provider is down."""
    return ServiceUnavailable(f"{name} is not answering right now. Nothing was lost; please try again in a minute.")
