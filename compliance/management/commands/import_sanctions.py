import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from compliance.sanctions.sdn import BrokenList
from compliance.services import sanctions
from core.errors import PayaError


class Command(BaseCommand):
    help = (
        "Take in OFAC's list: sdn.csv as published, with alt.csv and add.csv beside it or named. People are looked up in the"
        " background. Exits 1 for a broken file, of which nothing is taken, and 2 where it would remove many entries."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="sdn.csv")
        parser.add_argument("others", type=Path, nargs="*", help="alt.csv, add.csv; found beside sdn.csv if not named")
        parser.add_argument("--allow-removals", action="store_true", help="take a list that lacks more than a fifth of them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = sanctions.import_list(entries=self._read(options), allow_removals=options["allow_removals"])
        except BrokenList as broken:
            self.stderr.write(str(broken))
            sys.exit(1)
        except OSError as error:
            self.stderr.write(f"{error.filename}: {error.strerror}")
            sys.exit(1)
        except PayaError as refusal:
            self.stderr.write(refusal.detail)
            sys.exit(2)
        self.stdout.write(f"{found.entries} entries: {found.added} new, {found.changed} changed, {found.removed} removed")
        if found.differs:
            self.stderr.write("People are looked up in the background: see “Sanctions list” on the staff's site.")

    def _read(self, options: dict[str, Any]) -> list[Any]:
        """Which of the others is which is told by its name, as they are published."""
        named = {path.name.lower(): path for path in options["others"]}
        if unknown := [name for name in named if not name.startswith(("alt", "add"))]:
            raise BrokenList([f"{unknown[0]}: the other files are named alt… and add…"])
        alt = next((path for name, path in named.items() if name.startswith("alt")), None)
        add = next((path for name, path in named.items() if name.startswith("add")), None)
        return sanctions.read_files(sdn_file=options["file"], alt=alt, add=add)
