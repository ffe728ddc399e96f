import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_otp.oath import totp


class Command(BaseCommand):
    help = "The code that the authenticator app of a local staff account would show now. In the sandbox only."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", nargs="?", default="staff", help="staff, or one of the roles")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("Only the sandbox keeps an authenticator's secret in a file; use your app.")
        secrets = json.loads((Path(os.environ["PAYA_DATA"]) / "secrets.json").read_text())
        who = options["who"].partition("@")[0]
        member = secrets.get("staff" if who == "staff" else f"staff_{who}")
        if member is None:
            raise CommandError(f"There is no {who} on the staff of this run.")
        self.stdout.write(f"{totp(bytes.fromhex(member['totp'])):06d}")
