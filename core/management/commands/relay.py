import signal
from typing import Any

from django.core.management.base import BaseCommand

from core import relay
from core.checks import guard_process


class Command(BaseCommand):
    help = "Publish the outbox. One relay leads; a second waits until it falls."

    def handle(self, *args: Any, **options: Any) -> None:
        guard_process()
        stopping = False

        def stop(*_: Any) -> None:
            nonlocal stopping
            stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        relay.lead(lambda: stopping)
