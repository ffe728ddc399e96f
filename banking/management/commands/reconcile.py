"""`manage.py reconcile [--date YYYY-MM-DD]`: compare ledger, transfers and statements, and print the result."""

from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from banking.models import Reconciliation
from banking.reconciliation import services
from core.errors import ValidationError
from core.money import format_usd

CLEAN, BREAKS, UNKNOWN = 0, 1, 2


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-11-21") from error


class Command(BaseCommand):
    help = "Compare the ledger, our bank transfers and what each custodian says. 0 clean, 1 not, 2 one could not be asked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", type=_day, metavar="YYYY-MM-DD", help="a past day as it was known then")
        parser.add_argument("--custodian", choices=services.RESERVES, help="only this one")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [options["custodian"]] if options["custodian"] else services.custodians()
        if not names:
            raise CommandError("No custodian is set up.", returncode=UNKNOWN)
        try:
            rows = [services.reconcile(custodian=name, on=options["date"]) for name in names]
        except ValidationError as error:
            raise CommandError(" ".join(error.fields.values()), returncode=UNKNOWN) from error
        for row in rows:
            self.stdout.write(self._words(row))
        results = {row.result for row in rows}
        if Reconciliation.Result.UNKNOWN in results:
            raise SystemExit(UNKNOWN)
        if results & {Reconciliation.Result.BREAKS, Reconciliation.Result.ACCEPTED}:
            raise SystemExit(BREAKS)

    def _words(self, row: Reconciliation) -> str:
        if row.result == Reconciliation.Result.UNKNOWN:
            return f"{row.custodian} {row.on}: could not be asked ({row.cause})"
        words = (
            f"{row.custodian} {row.on}: {self._in_short(row)}."
            f" Ledger {format_usd(row.ledger)}, custodian {format_usd(row.held or 0)},"
            f" in transit {format_usd(row.in_transit)} ({row.items_count}), {row.compared} compared"
        )
        return f"{words}, {row.breaks} breaks of {format_usd(row.breaks_cents)}" if row.breaks else words

    def _in_short(self, row: Reconciliation) -> str:
        """What staff accepted does not make the books agree: it is said as long as it is there."""
        if not row.accepted:
            return str(row.result)
        start = "agrees except for" if row.result == Reconciliation.Result.ACCEPTED else f"{row.result}, besides"
        return f"{start} {format_usd(row.accepted_cents)} that staff have accepted"
