"""How the vendors are doing that PaYa leans on, in words for everybody."""

from dataclasses import dataclass

from django.conf import settings

from core.resilience import Health, health


@dataclass(frozen=True)
class Service:
    """What people notice of a vendor."""

    vendor: str
    name: str
    when_down: str


_SERVICES = (
    Service("dwolla", "Loading and redeeming", "New ones are accepted and wait; they go out by themselves once it is back."),
    Service("plaid", "Linking a bank", "Banks that are linked already keep working. Please link new ones later."),
    Service("twilio", "Text messages", "A code may take longer than usual."),
)
_SNS = Service("sns", "Text messages, second way", "Codes come the first way.")


@dataclass(frozen=True)
class Line:
    service: Service
    health: Health


def lines() -> list[Line]:
    """Each service with its standing, from the calls of all our processes."""
    services = [*_SERVICES, *([_SNS] if settings.SNS else [])]
    return [Line(service, health(service.vendor)) for service in services]
