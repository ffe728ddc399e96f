"""The files' rail for tests: what beat's tasks do, one call each, over the sandbox's bank and its folder."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from banking.models import BankTransfer, NachaEntry, NachaFile, NachaIncoming, NachaQuarantine
from banking.services.nacha import files, incoming, sending
from core.actor import SYSTEM, actor
from tests.banking.sandbox import Bank
from tests.conftest import Database


@dataclass
class Odfi:
    database: Database
    bank: Bank
    drop: Path

    def __post_init__(self) -> None:
        shutil.rmtree(self.drop, ignore_errors=True)
        self.bank.post("/sandbox/odfi/answers", {"mode": None})
        self.bank.post("/sandbox/odfi/forget", {})  # each test has books of its own, so its bank has too
        # As a member of staff does it, by `banking_choose_rail`.
        self.database.as_superuser(
            "insert into users_user (public_id, kind, email, password, is_active, is_superuser, created_at)"
            " values ('usr_files', 'staff', 'files@staff.example', '!', true, false, now())"
            " on conflict do nothing;"
            " insert into console_staffrole select id, 'finance' from users_user where public_id = 'usr_files'"
            " on conflict do nothing"
        )
        for kind in ("load", "redemption"):
            self.database.as_superuser(
                "insert into banking_railchoice (kind, rail, chosen_by_id, reason)"
                " select %s, 'odfi', id, 'Tests of files' from users_user where public_id = 'usr_files'",
                [kind],
            )

    def write(self) -> list[NachaFile]:
        return self.as_worker(files.write_due)

    def send(self) -> list[str]:
        return self.as_worker(sending.send_written)

    def collect(self) -> int:
        return self.as_worker(incoming.collect)

    def ship(self) -> NachaFile:
        """One file with all that waits, in the drop."""
        (file,) = self.write()
        assert self.send() == [file.name]
        return file

    def days(self, count: int) -> None:
        """Business days at the bank, and what it sends read after each."""
        for _ in range(count):
            self.bank.advance(1)
            self.collect()

    def receive(self, name: str, data: bytes) -> None:
        """Something that the bank sends, whatever it is."""
        folder = self.drop / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        self.collect()

    def entry(self, row: BankTransfer) -> NachaEntry:
        with self.database.role("worker"), actor(SYSTEM):
            return NachaEntry.objects.select_related("batch__file", "receiver").get(key=row.rail_key)

    def quarantine(self) -> list[str]:
        with self.database.role("worker"), actor(SYSTEM):
            return list(NachaQuarantine.objects.order_by("id").values_list("reason", flat=True))

    def unread(self) -> int:
        with self.database.role("worker"), actor(SYSTEM):
            return NachaIncoming.objects.filter(processed_at=None).count()

    def as_worker(self, work: Callable[..., Any], **arguments: Any) -> Any:
        with self.database.role("worker"):
            return work(**arguments)
