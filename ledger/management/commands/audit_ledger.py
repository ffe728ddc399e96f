import sys
from typing import Any

from django.core.management.base import BaseCommand

from core.money import format_usd
from ledger import audit


class Command(BaseCommand):
    help = "Check the books from scratch, as the auditor. Exits 1 on corruption, 2 on a shortfall, 0 on clean books."

    def handle(self, *args: Any, **options: Any) -> None:
        findings, reserve, required = audit.audit(audit.registered())
        for finding in findings:
            self.stdout.write(f"{finding.kind.upper()}: {finding.check}")
            for row in finding.rows:
                self.stdout.write(f"  {row}")
        self.stdout.write(f"reserve {format_usd(reserve)}, required {format_usd(required)}")
        if findings:
            sys.exit(1 if any(finding.kind == "corruption" for finding in findings) else 2)
        self.stdout.write("The books are clean.")
