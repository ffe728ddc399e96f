import json
import os
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import services
from core.errors import PayaError


class QuickHasher(PBKDF2PasswordHasher):
    """For passwords of a local run, which are random and stand in a file beside it: a usual hash takes most of a second there.

    They are checked like all others.
    """

    iterations = 1_000


class Command(BaseCommand):
    help = "Make a member of staff. Password and authenticator are printed once and cannot be looked up again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", nargs="?")
        parser.add_argument("--role", action="append", default=[], choices=services.ROLES, help="again for more than one")
        parser.add_argument("--renew", action="store_true", help="a new password and authenticator for somebody who is there")
        parser.add_argument("--given", action="store_true", help="in the sandbox: those of PAYA_STAFF (JSON); again is fine")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["given"]:
                self._given()
                return
            if not options["email"]:
                raise CommandError("Whose e-mail?")
            account = services.create_staff(email=options["email"], roles=options["role"], renew=options["renew"])
        except PayaError as refusal:
            raise CommandError(str(*refusal.fields.values()) if refusal.fields else refusal.detail) from refusal
        self.stdout.write(f"e-mail        {account.email}\npassword      {account.password}\nauthenticator {account.otpauth}")
        self.stderr.write("The authenticator's address goes into an authenticator app, by hand or as a QR code. Neither is kept.")

    def _given(self) -> None:
        if not settings.SANDBOX:
            raise CommandError("Only the sandbox has accounts whose passwords stand in a file.")
        from core.actor import SYSTEM, actor
        from users.models import User

        for member in json.loads(os.environ["PAYA_STAFF"]):
            with actor(SYSTEM):
                there = User.objects.filter(email=member["email"]).exists()
            services.create_staff(
                email=member["email"], roles=member["roles"], password=member["password"],
                secret=bytes.fromhex(member["totp"]), renew=there, hasher=QuickHasher(),
            )  # fmt: skip
