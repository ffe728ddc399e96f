import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import services
from core.errors import PayaError


class Command(BaseCommand):
    help = "Make a member of staff. Password and authenticator are printed once and cannot be looked up again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--role", action="append", default=[], choices=services.ROLES, help="again for more than one")
        parser.add_argument("--renew", action="store_true", help="a new password and authenticator for somebody who is there")
        parser.add_argument(
            "--given",
            action="store_true",
            help="in the sandbox: with PAYA_STAFF_PASSWORD and PAYA_STAFF_TOTP (hex); again is fine",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["given"]:
                self._given(options["email"], options["role"])
                return
            account = services.create_staff(email=options["email"], roles=options["role"], renew=options["renew"])
        except PayaError as refusal:
            raise CommandError(str(*refusal.fields.values()) if refusal.fields else refusal.detail) from refusal
        self.stdout.write(f"e-mail        {account.email}\npassword      {account.password}\nauthenticator {account.otpauth}")
        self.stderr.write("The authenticator's address goes into an authenticator app, by hand or as a QR code. Neither is kept.")

    def _given(self, email: str, roles: list[str]) -> None:
        if not settings.SANDBOX:
            raise CommandError("Only the sandbox has an account whose password stands in a file.")
        from core.actor import SYSTEM, actor
        from users.models import User

        with actor(SYSTEM):
            there = User.objects.filter(email=email).exists()
        password, secret = os.environ["PAYA_STAFF_PASSWORD"], bytes.fromhex(os.environ["PAYA_STAFF_TOTP"])
        services.create_staff(email=email, roles=roles, password=password, secret=secret, renew=there)
