from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from compliance.services.freezes import freeze_by_command
from users.queries import profile_by_username
from wallets.services import Freeze

LEVELS = {"sending": Freeze.SENDING, "all": Freeze.ALL, "off": Freeze.NONE}


class Command(BaseCommand):
    help = "Freeze or unfreeze a person's wallet; the reason is shown to them. What is on its way still arrives."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("level", choices=LEVELS)
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, username: str, level: str, reason: str, **options: Any) -> None:
        if level != "off" and not reason.strip():
            raise CommandError("Say why with --reason: the person will read it.")
        profile = profile_by_username(username=username)
        if profile is None:
            raise CommandError(f"Nobody is called @{username.removeprefix('@')}.")
        now = freeze_by_command(user_id=profile.user_id, level=LEVELS[level], reason=reason.strip())
        self.stderr.write(f"@{profile.username}: {level}")
        if now is not LEVELS[level]:
            self.stderr.write("Something else still restricts this person: see their page in the staff's site.")
