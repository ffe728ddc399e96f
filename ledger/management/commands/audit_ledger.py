import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.money import format_usd
from ledger import audit, sealer


class Command(BaseCommand):
    help = "Check the books from scratch, as the auditor. Exits 1 on corruption, 2 on a shortfall, 0 on clean books."

    def add_arguments(self, parser: CommandParser) -> None:
        words = "a ledger-head that was published: it has to be in the chain"
        parser.add_argument("--head", action="append", default=[], help=words)

    def handle(self, *args: Any, **options: Any) -> None:
        findings, reserve, required = audit.audit(audit.registered())
        if lost := [head for head in options["head"] if not audit.is_sealed(_bytes(head))]:
            findings.append(audit.Finding("corruption", "every published head is in the chain of sealed blocks", lost))
        for finding in findings:
            self.stdout.write(f"{finding.kind.upper()}: {finding.check}")
            for row in finding.rows:
                self.stdout.write(f"  {row}")
        self.stdout.write(f"reserve {format_usd(reserve)}, required {format_usd(required)}")
        if (head := sealer.head()).height:
            self.stdout.write(f"sealed until {head.until:%Y-%m-%dT%H:%M:%SZ}, block {head.height}, ledger-head {head.hash.hex()}")
        if findings:
            sys.exit(1 if any(finding.kind == "corruption" for finding in findings) else 2)
        self.stdout.write("The books are clean.")


def _bytes(head: str) -> bytes:
    try:
        return bytes.fromhex(head)
    except ValueError as error:
        raise CommandError(f"{head} is no ledger-head: 64 hexadecimal digits are.") from error
