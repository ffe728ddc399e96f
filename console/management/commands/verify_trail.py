from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import trail
from transparency.errors import ChannelFailed


class Command(BaseCommand):
    help = "Look through the trail of what staff did: edits, deletions, other orders, a cut tail. Run it as the auditor."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchors", metavar="FOLDER", help="copies of the anchors that you have kept")
        parser.add_argument("--key", action="append", help="NAME+ID+KEY that you have kept; again for more")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            places = [trail.folder(options["anchors"])] if options["anchors"] else None
            found = trail.verify(places, keys=options["key"])
        except (ValueError, ChannelFailed) as error:
            raise CommandError(str(error)) from error
        for problem in found.problems:
            self.stderr.write(problem)
        if found.problems:
            where = f"The first bad entry is {found.first_bad}." if found.first_bad else "No entry is bad, but its anchors are."
            raise CommandError(f"The trail is not what it was. {where}")
        self.stdout.write(
            f"The trail is whole: {found.entries} entries, {found.anchors} anchors up to entry {found.anchored},"
            f" head {found.head.hex()}"
        )
