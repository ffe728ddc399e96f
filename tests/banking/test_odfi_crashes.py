"""Whatever is killed between writing a file and recording that it was sent: every entry is in exactly one file that
was sent exactly once, and no trace number is used twice. The kills are SIGKILL of a process of its own."""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import connection

from banking import tasks
from banking.models import NachaEntry, NachaFile
from banking.nacha.model import Direction
from banking.nacha.read import read_bytes
from banking.nacha.records import Forward
from banking.rails.drop import Folder
from banking.services.nacha import entries, files, sending
from core.actor import SYSTEM, actor
from tests.banking.odfi import Odfi

# Where the process dies: what is called next is not called any more ("before"), or was the last ("after").
STEPS: dict[str, tuple[str, Any, str]] = {
    "written, nothing stored": ("before", files, "_file_row"),
    "the file stored, no entry in it": ("before", files, "_put_into"),
    "the entries in it, not committed": ("after", files, "_put_into"),
    "committed, not sent": ("before", sending, "send"),
    "checked, not put": ("before", Folder, "put"),
    "half put": ("before", os, "link"),
    "put, name not on the disk": ("after", os, "link"),
    "put, not recorded": ("after", Folder, "put"),
    "recorded": ("after", sending, "send"),
}


def killed_at(step: str, work: Callable[[], object]) -> bool:
    """Run `work` in a child that dies at that step; whether it did."""
    when, place, name = STEPS[step]
    real = getattr(place, name)

    def dies(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    connection.close()
    child = os.fork()
    if child == 0:
        with patch.object(place, name, dies):
            work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def write_and_send() -> None:
    files.write_due()
    sending.send_written()


def sent(drop: Path) -> Counter[tuple[str, str, int]]:
    """Trace, reference and amount of every entry in every file that the bank can see."""
    found = [item for path in sorted((drop / "outgoing").glob("*.ach")) for item in read_bytes(path.read_bytes()).items]
    return Counter((item.entry.trace, item.entry.id, item.entry.amount) for item in found if isinstance(item, Forward))


def assert_each_is_in_one_file(odfi: Odfi) -> int:
    with odfi.database.role("worker"), actor(SYSTEM):
        rows = list(NachaEntry.objects.select_related("batch__file"))
        assert {row.batch.file.status for row in rows if row.batch} == {"sent"}
        assert not NachaFile.objects.filter(status="written").exists()
    counted = sent(odfi.drop)
    assert set(counted.values()) == {1}
    assert sorted(counted) == sorted((str(row.trace), row.key.hex[-15:].upper(), row.amount) for row in rows)
    assert len({row.trace for row in rows}) == len(rows)
    return len(rows)


@pytest.fixture
def receiver(odfi: Odfi, linked: Callable[..., Any]) -> str:
    person = linked()
    row = person.submit(person.load(1_00))
    return str(odfi.entry(row).receiver.public_id)


def hand_over(bank: str, count: int, dice: random.Random) -> None:
    for _ in range(count):
        entries.hand_over(key=uuid4(), bank=bank, amount=dice.randint(1, 90_000), direction=dice.choice(list(Direction)))


@pytest.mark.parametrize("step", STEPS)
def test_killed_once_at_each_step(odfi: Odfi, receiver: str, step: str) -> None:
    with odfi.database.role("worker"):
        hand_over(receiver, 3, random.Random(1))
        assert killed_at(step, write_and_send)
        write_and_send()
    assert assert_each_is_in_one_file(odfi) == 4


def test_killed_again_and_again_while_entries_come_in(odfi: Odfi, receiver: str) -> None:
    dice = random.Random(20261121)
    with odfi.database.role("worker"):
        for _ in range(12):
            hand_over(receiver, dice.randint(0, 4), dice)
            for _ in range(dice.randint(1, 3)):
                killed_at(dice.choice(list(STEPS)), write_and_send)
        write_and_send()
    assert assert_each_is_in_one_file(odfi) > 12
    odfi.bank.advance(1)
    assert len(list((odfi.drop / "incoming").glob("ACK-*"))) == len(list((odfi.drop / "outgoing").glob("*.ach")))
    assert not [each for each in (odfi.drop / "incoming").glob("ACK-*") if "REJECTED" in each.read_text()]


def test_control_a_sender_that_does_not_look_sends_twice(odfi: Odfi, receiver: str) -> None:
    """The same kill, with a put that knows no name that is there: the test above would notice."""

    def blind(self: Folder, name: str, data: bytes) -> bool:
        number = len(list((odfi.drop / "outgoing").glob("*.ach"))) if (odfi.drop / "outgoing").exists() else 0
        return real(self, name.replace(".ach", f"-{number}.ach"), data)

    real = Folder.put
    with patch.object(Folder, "put", blind), odfi.database.role("worker"):
        assert killed_at("put, not recorded", write_and_send)
        write_and_send()
    assert set(sent(odfi.drop).values()) == {2}


def test_two_at_a_time_write_and_send_each_entry_once(odfi: Odfi, receiver: str) -> None:
    from tests.helpers import at_once

    with odfi.database.role("worker"):
        hand_over(receiver, 5, random.Random(2))
        at_once(4, lambda n: write_and_send())
    assert assert_each_is_in_one_file(odfi) == 6


def test_somebody_elses_file_under_our_name_is_not_taken_for_ours(odfi: Odfi, receiver: str) -> None:
    with odfi.database.role("worker"):
        (file,) = files.write_due()
        (odfi.drop / "outgoing").mkdir(parents=True)
        (odfi.drop / "outgoing" / file.name).write_bytes(b"another one")
        hand_over(receiver, 1, random.Random(3))
        (other,) = files.write_due()
        with pytest.raises(sending.NameTaken):
            sending.send_written()
        with actor(SYSTEM):
            assert dict(NachaFile.objects.values_list("name", "status")) == {file.name: "written", other.name: "sent"}
        tasks.write_files()  # says so again, and does not break
    assert (odfi.drop / "outgoing" / file.name).read_bytes() == b"another one"


def test_what_was_altered_in_the_database_does_not_leave(odfi: Odfi, receiver: str) -> None:
    with odfi.database.role("worker"):
        (file,) = files.write_due()
    odfi.database.as_superuser("alter table banking_nachafile disable trigger all")
    odfi.database.as_superuser("update banking_nachafile set sha256 = 'another'")
    with odfi.database.role("worker"), pytest.raises(sending.Altered, match="not what was written"):
        sending.send_written()
    assert not (odfi.drop / "outgoing" / file.name).exists()
