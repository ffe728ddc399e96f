"""What a provider of text messages has to do."""

from typing import Protocol


class SmsProvider(Protocol):
    name: str

    def send(self, *, to: str, body: str, reference: str) -> None:
        """Send `body` to `to` (E.164). `reference` is ours, for providers that recognise a repetition by it.

        Raises core.resilience.ProviderDown when it was certainly not sent, ProviderUnknown when nobody knows,
        and ProviderRejected when the provider refuses this message for good.
        """

    def warm_up(self) -> None:
        """Load what `send` needs, without asking anybody."""
