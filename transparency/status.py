"""How the vendors are doing that PaYa leans on, in words for everybody."""

from dataclasses import dataclass

from django.conf import settings

from banking.services.routing import chosen_rail
from core.resilience import Health, health, probed


@dataclass(frozen=True)
class Service:
    """What people notice of a vendor."""

    vendor: str
    name: str
    when_down: str


_WAITS = "New ones are accepted and wait; they go out by themselves once it is back."
_KINDS = {"load": "Loading", "redemption": "Redeeming"}
_OTHERS = (
    Service("plaid", "Linking a bank", "Banks that are linked already keep working. Please link new ones later."),
    Service("twilio", "Text messages", "A code may take longer than usual."),
)
_SNS = Service("sns", "Text messages, second way", "Codes come the first way.")


@dataclass(frozen=True)
class Line:
    service: Service
    health: Health


def _rails() -> list[Service]:
    """The vendors of the rails that serve new transfers. A rail without a vendor behind it is never down."""
    serving: dict[str, list[str]] = {}
    for kind, words in _KINDS.items():
        serving.setdefault(chosen_rail(kind), []).append(words)
    watched = probed()
    return [
        Service(rail, " and ".join(words).capitalize(), _WAITS) for rail, words in serving.items() if rail in watched
    ]


def lines() -> list[Line]:
    """Each service with its standing, from the calls of all our processes."""
    services = [*_rails(), *_OTHERS, *([_SNS] if settings.SNS else [])]
    return [Line(service, health(service.vendor)) for service in services]
