import re
import sys
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from transparency import archive
from transparency.attesting import audit


class Command(BaseCommand):
    help = (
        "As the auditor: compare a day's snapshot with the journal, person by person, and its tree with the signed root. The "
        "day's key is printed by `manage.py attest --day-key-of DATE`. Exits 1 when something does not agree."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("day", type=date.fromisoformat, metavar="DATE")
        parser.add_argument("--key", required=True, metavar="HEX")

    def handle(self, *args: Any, **options: Any) -> None:
        if re.fullmatch("[0-9a-f]{64}", options["key"]) is None:
            raise CommandError("The day's key has 64 hexadecimal digits.")
        found = audit.audit_day(archive.epoch_of_day(options["day"]), bytes.fromhex(options["key"]))
        for line in found:
            self.stdout.write(line)
        if found:
            sys.exit(1)
        self.stdout.write("Everybody is counted, with what the ledger said, and the tree is the one that was signed.")
