import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import PayaError
from rewards import services


class Command(BaseCommand):
    help = (
        "Pay the rewards of every closed week that staff do not hold, at once: whoever runs this has looked at them. Without it "
        "they go out by themselves once the time for review is over."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            runs = services.distribute_ready()
        except PayaError as refusal:
            raise CommandError(refusal.detail) from refusal
        for run in runs:
            self.stdout.write(json.dumps({"week": run.week, "state": run.state, "active": run.active, "rewards": run.rewards}))
        if not runs:
            self.stderr.write("There is nothing to pay.")
