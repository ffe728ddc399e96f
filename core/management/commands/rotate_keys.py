"""`manage.py rotate_keys`: replace master keys and data keys while PaYa runs (docs/runbooks/key-rotation.md)."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from core.keyring import rotation
from core.keyring.masters import KeyFile


class Command(BaseCommand):
    help = "Replaces encryption keys without anybody noticing. It can be broken off and started again. Runs as the worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new-master", action="store_true", help="put a new master key into the key file first")
        parser.add_argument("--master", action="store_true", help="wrap every data key by the active master key")
        parser.add_argument("--data", action="store_true", help="new data keys for everybody, and everything re-encrypted")
        parser.add_argument(
            "--grace", type=float, default=rotation.GRACE.total_seconds(), metavar="SECONDS",
            help="how long old data keys outlive the last value under them (default %(default)s)",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["master"] or options["data"] or options["new_master"]):
            raise CommandError("Say what to rotate: --master, --data or both.")
        self._check_role()
        try:
            if options["new_master"]:
                self._new_master()
            if options["master"] or options["new_master"]:
                self.stdout.write(f"data keys wrapped anew: {rotation.rotate_master()}")
            if options["data"]:
                done = rotation.rotate_data(grace=timedelta(seconds=options["grace"]), say=self.stderr.write)
                self.stdout.write(f"values re-encrypted: {done.values}, old data keys deleted: {done.keys}")
        except (rotation.RotationRuns, rotation.ValuesStuck) as error:
            raise CommandError(f"{error}.") from error
        for master_id, count in rotation.masters_in_use().items():
            self.stdout.write(f"data keys under {master_id}: {count}")

    def _new_master(self) -> None:
        if settings.KMS_KEY:
            raise CommandError("With KMS, make the new key there and point the alias at it; then --master.")
        self.stdout.write(f"master key {KeyFile(settings.KEY_FILE).add()} is active")

    def _check_role(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select pg_has_role(current_user, 'paya_worker', 'USAGE')")
            if not cursor.fetchone()[0]:
                raise CommandError("This needs the worker's database role.")
