import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from console import report
from core.errors import ValidationError


class Command(BaseCommand):
    help = "The compliance report from one day to another, both included (UTC), as CSV or PDF: to a file, or to stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="since", required=True, metavar="DAY", help="the first day, like 2026-03-01")
        parser.add_argument("--to", dest="until", required=True, metavar="DAY", help="the last day")
        parser.add_argument("--format", dest="form", choices=["csv", "pdf"], default="csv")
        parser.add_argument("--out", metavar="FILE", help="where to write it; stdout without")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            since, until = report.days_of(options["since"], options["until"])
        except ValidationError as error:
            raise CommandError(" ".join(f"--{name}: {words}" for name, words in error.fields.items())) from error
        made = report.rendered(report.figures(since, until), options["form"])
        if options["out"]:
            Path(options["out"]).write_bytes(made)
            self.stderr.write(f"Written to {options['out']}.")
        elif options["form"] == "pdf":
            sys.stdout.buffer.write(made)
        else:
            self.stdout.write(made.decode(), ending="")
