from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from transparency.statistics import days


class Command(BaseCommand):
    help = "Compute the statistics of every day, or from a day on, anew from their sources."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=date.fromisoformat, help="the first day, such as 2026-11-01")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.write(f"{days.rebuild(options['since'])} days computed")
