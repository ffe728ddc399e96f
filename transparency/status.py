"""How the vendors are doing that PaYa leans on, in words for everybody."""

from dataclasses import dataclass

from django.conf import settings

from banking.services.routing import chosen_rail
from core.resilience import Health, health, probed

_SOME_FAIL = "Some calls fail; we keep trying."


@dataclass(frozen=True)
class Service:
    """What people notice of a vendor."""

    vendor: str
    name: str
    when_down: str
    when_degraded: str = _SOME_FAIL


_WAITS = "New ones are accepted and wait; they go out by themselves once it is back."
_EARLIER = "What went this way before may arrive later. Nothing is lost."
_KINDS = {"load": "Loading", "redemption": "Redeeming"}
_OTHERS = (
    Service("plaid", "Linking a bank", "Banks that are linked already keep working. Please link new ones later."),
    Service("twilio", "Text messages", "A code may take longer than usual."),
)
_FILES = Service(
    "odfi", "Transfers by file", "What is on its way with our bank may arrive later. Nothing is lost.",
    "Our bank answers later than usual. What is on its way may take longer.",
)  # fmt: skip
_SNS = Service("sns", "Text messages, second way", "Codes come the first way.")


@dataclass(frozen=True)
class Line:
    service: Service
    health: Health


def _rails() -> list[Service]:
    """The vendors of the rails that serve new transfers, and our own bank where it takes files from us."""
    serving: dict[str, list[str]] = {}
    for kind, words in _KINDS.items():
        serving.setdefault(chosen_rail(kind), []).append(words)
    watched = probed()
    services = [
        Service(rail, " and ".join(words).capitalize(), _WAITS, _FILES.when_degraded if rail == "odfi" else _SOME_FAIL)
        for rail, words in serving.items() if rail in watched
    ]  # fmt: skip
    # Files that the bank has not taken are of weeks ago, too, whatever serves new transfers now.
    services += [_FILES] if "odfi" in watched and "odfi" not in serving else []
    # So are transfers at a rail that serves no new ones: it is named while it is not well.
    earlier = [rail for rail in ("dwolla", "stripe") if rail in watched and rail not in serving]
    return services + [
        Service(rail, "Earlier loads and redemptions", _EARLIER, _EARLIER)
        for rail in earlier if health(rail).status != "operational"
    ]  # fmt: skip


def lines() -> list[Line]:
    """Each service with its standing, from the calls of all our processes."""
    services = [*_rails(), *_OTHERS, *([_SNS] if settings.SNS else [])]
    return [Line(service, health(service.vendor)) for service in services]
