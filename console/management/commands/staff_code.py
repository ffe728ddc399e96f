import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django_otp.oath import totp


class Command(BaseCommand):
    help = "The code that the local staff account's authenticator app would show now. In the sandbox only."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("Only the sandbox keeps an authenticator's secret in a file; use your app.")
        secrets = json.loads((Path(os.environ["PAYA_DATA"]) / "secrets.json").read_text())
        self.stdout.write(f"{totp(bytes.fromhex(secrets['staff']['totp'])):06d}")
