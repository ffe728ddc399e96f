"""Circuit breakers and retries for calls to other people's machines.

A breaker's state is in Redis, so that all processes learn from the failures of one. While Redis is away nothing is held
against anybody: calls then fail by their own time-outs.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import pybreaker
from django.db import connection
from redis import RedisError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from core.errors import ServiceUnavailable
from core.redis_client import client

T = TypeVar("T")
FAILURES, REST_SECONDS = 5, 15


class ProviderDown(Exception):
    """The provider did not do it and certainly did nothing: refused connection, 5xx before work, open breaker."""


class ProviderBusy(ProviderDown):
    """The provider asks us to slow down (429): it did nothing, and is well. To be asked again later than one that is down."""


class ProviderUnknown(Exception):
    """No answer: it may or may not have been done. Ask again with the same key; never assume either."""


class ProviderRejected(Exception):
    """The provider understood and refused; trying again changes nothing. `code` is the provider's own."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        super().__init__(f"{code}: {message}" if message else code)


AGAIN = (ProviderDown, ProviderUnknown)


# ------------------------------------------------------------------------------------------------------- breakers
class _InRedis(pybreaker.CircuitRedisStorage):
    """The library's own storage, which can also be made while Redis is away."""

    def _initialize_redis_state(self, state: str) -> None:
        with suppress(RedisError):
            super()._initialize_redis_state(state)


class _Changes(pybreaker.CircuitBreakerListener):
    """Remembers since when a provider has been well, or not: each try in between does not count."""

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        if pybreaker.STATE_CLOSED not in (old_state and old_state.name, new_state.name):
            return
        with suppress(RedisError):
            client().set(_namespace(cb.name) + ":since", int(datetime.now(UTC).timestamp()))


# One object for each thread: a breaker is locked for as long as its call takes, and what it knows is in Redis anyway.
_breakers: dict[tuple[int, str], pybreaker.CircuitBreaker] = {}


def breaker(name: str) -> pybreaker.CircuitBreaker:
    """The breaker of a provider: opens after 5 failures in a row, lets one call try again after 15 s."""
    namespace = _namespace(name)
    mine = threading.get_ident(), namespace
    if mine not in _breakers:
        _breakers[mine] = pybreaker.CircuitBreaker(
            fail_max=FAILURES, reset_timeout=REST_SECONDS, exclude=[ProviderRejected, ProviderBusy], name=name,
            listeners=[_Changes()], throw_new_error_on_trip=False,
            state_storage=_InRedis(pybreaker.STATE_CLOSED, client(), namespace=namespace),
        )  # fmt: skip
    return _breakers[mine]


def _namespace(name: str) -> str:
    """One PaYa is one database; several may share a Redis."""
    return f"paya:{connection.settings_dict['NAME']}:{name}"


def hold(name: str) -> None:
    """Ask nothing of a provider, in any process, until `release`: staff know of something that its answers do not show."""
    client().set(_namespace(name) + ":held", int(datetime.now(UTC).timestamp()))


def release(name: str) -> None:
    """Let calls through again, with all failures forgotten. Raises RedisError, as `hold` does."""
    client().delete(_namespace(name) + ":held")
    breaker(name).close()


def is_held(name: str) -> bool:
    with suppress(RedisError):
        return bool(client().exists(_namespace(name) + ":held"))
    return False


def failures(name: str) -> int:
    """In a row, up to now."""
    return int(breaker(name).fail_counter)


def forget_failures() -> None:
    """Close all breakers that this process has used (after a vendor has said that it is well again, and between tests)."""
    for (_, namespace), known in list(_breakers.items()):
        known.close()
        with suppress(RedisError):
            client().delete(namespace + ":held")
    _breakers.clear()


# --------------------------------------------------------------------------------------------------------- health
Standing = Literal["operational", "degraded", "down"]


@dataclass(frozen=True)
class Health:
    """How a provider has been doing: down while its breaker is open, degraded while it is being tried, or owes an answer."""

    name: str
    status: Standing
    since: datetime | None  # None when it has never been otherwise


def _stamp(name: str, what: str) -> datetime | None:
    with suppress(RedisError):
        stamp: Any = client().get(f"{_namespace(name)}:{what}")
        return datetime.fromtimestamp(int(stamp), UTC) if stamp else None
    return None


def health(name: str) -> Health:
    """A provider's standing as its breaker has it, from all processes' calls."""
    watched = breaker(name)
    since = _stamp(name, "since")
    if held_since := _stamp(name, "held"):
        return Health(name, "down", held_since)
    if watched.current_state == pybreaker.STATE_OPEN:
        return Health(name, "down", since)
    troubled = watched.current_state == pybreaker.STATE_HALF_OPEN or watched.fail_counter > 0
    if not troubled and name in _doubts and (doubted := _doubts[name]()):
        return Health(name, "degraded", doubted)
    return Health(name, "degraded" if troubled else "operational", since)


# ---------------------------------------------------------------------------------------------------------- calls
def call(name: str, function: Callable[[], T], *, tries: int = 1) -> T:
    """Call a provider through its breaker; more than one try only for calls that are safe to repeat.

    Raises ProviderDown (breaker open included), ProviderUnknown or ProviderRejected, as `function` does.
    """
    for attempt in Retrying(
        stop=stop_after_attempt(tries),
        wait=wait_exponential_jitter(initial=0.1, max=2),
        retry=retry_if_exception(lambda error: isinstance(error, AGAIN) and not isinstance(error, ProviderBusy)),
        reraise=True,
    ):
        with attempt:
            if is_held(name):
                raise ProviderDown(f"{name} is held by staff")
            try:
                return breaker(name).call(function)
            except pybreaker.CircuitBreakerError as error:
                raise ProviderDown(f"{name} is resting after failures") from error
    raise AssertionError("tenacity reraises")


_probes: dict[str, Callable[[], object]] = {}
_doubts: dict[str, Callable[[], datetime | None]] = {}


def register_probe(name: str, probe: Callable[[], object], *, doubt: Callable[[], datetime | None] | None = None) -> None:
    """A cheap call through `call` that changes nothing, by which `probe_the_troubled` finds out whether it is back.

    `doubt` says since when something is amiss that no call shows, an answer that is overdue for example. It never raises.
    """
    _probes[name] = probe
    if doubt is not None:
        _doubts[name] = doubt


def probed() -> list[str]:
    """The providers that are watched."""
    return list(_probes)


def probe_the_troubled() -> None:
    """Try providers that are not operational, so that nobody has to be the first to find out. Run by beat."""
    for name, probe in _probes.items():
        if health(name).status != "operational":
            with suppress(ProviderDown, ProviderUnknown, ProviderRejected):
                probe()


def unavailable(name: str) -> ServiceUnavailable:
    """What a person is told when a provider is down."""
    return ServiceUnavailable(f"{name} is not answering right now. Nothing was lost; please try again in a minute.")
