from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from banking.nacha.errors import InvalidFile
from banking.nacha.optimise import Shipment
from banking.services.nacha import files, sending
from banking.services.nacha import report as reports
from banking.services.nacha.report import Cost
from core.calendar import EASTERN
from core.clock import now
from core.money import format_usd
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

DAYS = 30
PROBLEMS = (files.NoMoreFiles, sending.NameTaken, sending.Altered, ProviderDown, ProviderUnknown, ProviderRejected)


class Command(BaseCommand):
    help = "Gather everything that waits into NACHA files now, whatever the hour, and send them. Prints what it did."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show what would be written, and by when; write nothing")
        parser.add_argument("--window", choices=["standard", "same-day"], help="only what travels in these windows")
        parser.add_argument(
            "--report", action="store_true", help=f"what transfers cost in the last {DAYS} days, together and alone"
        )

    def handle(self, *args: Any, dry_run: bool, window: str | None, report: bool, **options: Any) -> None:
        if report:
            self.report()
        elif dry_run:
            self.plan(window)
        else:
            self.write(window)

    def write(self, window: str | None) -> None:
        try:
            for file in files.write_due(whole=True, same_day=_same_day(window)):
                cost = f"{format_usd(file.cost)}, {format_usd(file.unbatched_cost)} in files of their own"
                self.stdout.write(f"{file.name}: {file.entries} entries in {file.batches} batches; {cost}")
            for name in sending.send_written():
                self.stdout.write(f"{name}: sent")
        except InvalidFile as fault:
            raise CommandError("Nothing was written: " + "; ".join(map(str, fault.faults))) from fault
        except PROBLEMS as problem:
            raise CommandError(f"{type(problem).__name__}: {problem}") from problem

    def plan(self, window: str | None) -> None:
        shipments = [each for each in files.planned() if _same_day(window) in (None, bool(each.same_day))]
        for shipment in shipments:
            self.show(shipment)
        self.cost("planned", reports.of_plan(shipments))

    def show(self, shipment: Shipment) -> None:
        self.stdout.write(f"by {shipment.sent_by.astimezone(EASTERN):%a %d %b %H:%M} Eastern: {shipment.entries} entries")
        for batch in shipment.batches:
            window = f"{batch.window.effective:%d %b}{' same day' if batch.window.same_day else ''}"
            self.stdout.write(f"  {batch.sec} {batch.direction} {batch.description}, effective {window}: {len(batch.entries)}")

    def report(self) -> None:
        since = now().astimezone(EASTERN).date() - timedelta(days=DAYS)
        self.cost(f"since {since:%d %b %Y}", reports.of_files(since=since))

    def cost(self, what: str, cost: Cost) -> None:
        together = f"{cost.entries} entries in {cost.files} files, {cost.each} cents each"
        self.stdout.write(f"{what}: {together}; alone {cost.each_unbatched} cents each")


def _same_day(window: str | None) -> bool | None:
    return None if window is None else window == "same-day"
