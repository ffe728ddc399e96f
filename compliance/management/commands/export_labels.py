import csv
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from compliance.services.cases import verdicts

COLUMNS = ["case", "kind", "person", "outcome", "label", "opened_at", "closed_at", "signals"]


class Command(BaseCommand):
    help = (
        "Print what cases were closed with, each beside the signals of its time, as CSV (signals as JSON) or JSON lines: what a"
        " model can be trained on. People are public ids; what staff wrote in words is not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document per line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["json"]:
            for row in verdicts():
                sys.stdout.write(json.dumps(row) + "\n")
            return
        out = csv.DictWriter(sys.stdout, COLUMNS)
        out.writeheader()
        for row in verdicts():
            out.writerow({**row, "signals": json.dumps(row["signals"], sort_keys=True)})
