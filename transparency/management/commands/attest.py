import sys
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.errors import PayaError
from core.money import format_usd
from transparency import archive, services
from transparency.errors import ChannelFailed


class Command(BaseCommand):
    help = (
        "Attest today: freeze what is owed, build and check the tree, sign, publish everywhere, open proofs. Goes on where an "
        "earlier run broke off. Prints the signed text. Exits 1 when nothing was signed, 2 when it is not published everywhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--corrects", type=date.fromisoformat, metavar="DATE", help="an earlier day that it corrects")
        parser.add_argument("--new-key", action="store_true", help="instead: change the signing key")
        parser.add_argument("--destroy-key-of", type=date.fromisoformat, metavar="DATE", help="instead: end its proofs for good")
        parser.add_argument("--day-key-of", type=date.fromisoformat, metavar="DATE", help="instead: print its key, to auditors")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["new_key"]:
                entry = services.change_key()
                self.stdout.write(bytes(entry.note).decode(), ending="")
                return
            if options["destroy_key_of"]:
                services.destroy_day(epoch=archive.epoch_of_day(options["destroy_key_of"]))
                return
            if options["day_key_of"]:
                self.stdout.write(services.day_key(epoch=archive.epoch_of_day(options["day_key_of"])).hex())
                return
            corrects = options["corrects"]
            row = services.attest(corrects=archive.epoch_of_day(corrects) if corrects else None)
        except PayaError as error:
            self.stderr.write(f"{error.title}. {error.detail}")
            sys.exit(1)
        except ChannelFailed as error:
            self.stderr.write(f"Signed, and not yet published everywhere: {error}. Run it again; proofs stay closed until then.")
            sys.exit(2)
        done = archive.of_day(row.epoch)
        assert done is not None
        self.stderr.write(f"{format_usd(row.liabilities)} owed, attested for {done.on}. Its code is {done.code}.")
        self.stdout.write(done.note.decode(), ending="")
