"""`manage.py statement_import FILE...`: keep the statements that a bank sent as BAI2 or CSV files."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from banking.reconciliation import services, store
from core.actor import SYSTEM, actor
from core.errors import ValidationError
from core.money import format_usd


class Command(BaseCommand):
    help = "Import a bank's statements (BAI2, or CSV by the file's name). The same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--custodian", choices=services.RESERVES, default="odfi", help="whose statements these are (odfi)")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = False
        for path in options["files"]:
            try:
                statements = store.import_file(custodian=options["custodian"], name=path.name, data=path.read_bytes())
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}") from error
            except ValidationError as error:
                failed = True
                self.stderr.write(f"{path}: {' '.join(error.fields.values())}")
                continue
            for statement in statements:
                with actor(SYSTEM):
                    lines = statement.lines.count()
                closing = "no closing balance" if statement.closing is None else f"closing {format_usd(statement.closing)}"
                self.stdout.write(
                    f"{path.name}: account {statement.account or '(not named)'} of {statement.as_of or 'no date'},"
                    f" {lines} lines, {closing}, {len(statement.faults)} unreadable pieces"
                )
                for where, problem, _ in statement.faults:
                    self.stderr.write(f"  {where}: {problem}")
        if failed:
            raise SystemExit(1)
