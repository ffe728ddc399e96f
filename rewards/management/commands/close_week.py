import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.errors import PayaError
from rewards import services
from rewards.models import Run
from rewards.weeks import Week


class Command(BaseCommand):
    help = "Close the weeks that are over and not closed yet, in order; each is one line of JSON. What was closed before stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--week", help="close until this week, for example 2026-W46, and no further")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["week"] is None:
                closed = services.close_due()
            else:
                week = Week.parse(options["week"])
                closed = services.close_through(week) or list(Run.objects.filter(week=week.name))
        except PayaError as refusal:
            raise CommandError(refusal.detail) from refusal
        for run in closed:
            self.stdout.write(json.dumps({name: getattr(run, name) for name in SHOWN}))
        if not closed:
            self.stderr.write("Every week that is over is closed.")


SHOWN = (
    "week", "state", "revenue", "costs", "carried_in", "net", "operations", "to_pool", "was_there", "pool", "active", "rewards",
    "stays", "carried_out", "digest",
)  # fmt: skip
