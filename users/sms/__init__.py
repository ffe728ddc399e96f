"""Text messages: one code to one phone, by the first provider that is up."""

from collections.abc import Sequence

from django.conf import settings

from core.resilience import ProviderDown, call
from users.models import Challenge
from users.sms.port import SmsProvider


def text(code: str, purpose: str) -> str:
    """What the person reads; the code is its only run of six digits.

    What cannot be taken back is named: whoever is talked into reading the code out to somebody sees what it does.
    """
    what = " to close your account" if purpose == Challenge.Purpose.CLOSE else ""
    return f"Your PaYa code{what} is {code}. It works for 10 minutes. We never ask for it."


def providers() -> Sequence[SmsProvider]:
    """In the order in which they are tried. Their SDKs are slow to import, and only workers need them."""
    from users.sms.sns import Sns
    from users.sms.twilio import Twilio

    return [Twilio(), Sns()] if settings.SNS else [Twilio()]


def deliver(*, to: str, body: str, reference: str) -> str:
    """Send by the first provider that is not down; its name.

    Only ProviderDown moves on to the next: after a time-out the message may be on its way, and a second
    provider would send it twice. Raises what the last one tried raised.
    """
    down = ProviderDown("no provider of text messages is set up")
    for provider in providers():
        try:
            call(provider.name, lambda: provider.send(to=to, body=body, reference=reference))  # noqa: B023
            return provider.name
        except ProviderDown as error:
            down = error
    raise down


def warm_up() -> None:
    """Import what a first message would wait for: the SDKs load their parts when they are first used."""
    for provider in providers():
        provider.warm_up()


def ping() -> None:
    """Ask Twilio for something that costs nothing; raises as `core.resilience.call` does."""
    from users.sms.twilio import Twilio

    call("twilio", Twilio().ping)
