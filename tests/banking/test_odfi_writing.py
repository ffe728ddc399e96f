"""When files are written, what is in them, what they cost; and the command."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from banking import tasks
from banking.models import NachaEntry, NachaFile
from banking.nacha.errors import Fault, InvalidFile
from banking.nacha.model import Direction
from banking.services.nacha import entries, files, report
from core.actor import SYSTEM, actor
from core.resilience import ProviderRejected
from tests.banking.odfi import Odfi

MONDAY = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)  # 10:00 Eastern


@pytest.fixture
def receiver(odfi: Odfi, linked: Callable[..., Any]) -> str:
    """An account to hand entries over for, with nothing waiting yet."""
    person = linked()
    row = person.submit(person.load(1_00))
    entry = odfi.entry(row)
    odfi.as_worker(entries.cancel, entry=entry.public_id)
    return str(entry.receiver.public_id)


def hand_over(
    odfi: Odfi, receiver: str, count: int, direction: Direction = Direction.DEBIT, promised: str = "2026-12-03"
) -> None:
    with odfi.database.role("worker"):
        for _ in range(count):
            entries.hand_over(key=uuid4(), bank=receiver, amount=25_00, direction=direction)
    odfi.database.as_superuser("alter table banking_nachaentry disable trigger banking_nacha_check_entry")
    odfi.database.as_superuser("update banking_nachaentry set promised_on = %s where status = 'queued'", [promised])
    odfi.database.as_superuser("alter table banking_nachaentry enable trigger banking_nacha_check_entry")


def written(odfi: Odfi, moment: datetime, **more: Any) -> list[NachaFile]:
    return list(odfi.as_worker(files.write_due, moment=moment, **more))


def test_a_file_is_written_shortly_before_its_cut_off(odfi: Odfi, receiver: str, settings: Any) -> None:
    settings.ODFI_LEAD_MINUTES = 20
    hand_over(odfi, receiver, 3)
    cutoff = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)  # 19:00 Eastern on Monday
    assert written(odfi, MONDAY) == []
    assert written(odfi, cutoff - timedelta(minutes=21)) == []
    (file,) = written(odfi, cutoff - timedelta(minutes=20))
    assert (file.entries, file.batches, file.same_day, file.sent_by) == (3, 1, 0, cutoff)
    assert (file.cost, file.unbatched_cost) == (500 + 300 + 3 * 12, 3 * 812)
    assert written(odfi, cutoff) == []


def test_what_standard_would_make_late_goes_in_the_last_same_day_window(odfi: Odfi, receiver: str, settings: Any) -> None:
    settings.ODFI_LEAD_MINUTES = 20
    hand_over(odfi, receiver, 1, promised="2026-12-02")  # two banking days after Monday
    window = datetime(2026, 11, 30, 20, 45, tzinfo=UTC)  # an hour before 16:45 Eastern
    assert written(odfi, window - timedelta(minutes=30)) == []
    (file,) = written(odfi, window - timedelta(minutes=10))
    assert (file.same_day, file.sent_by, file.cost) == (1, window, 500 + 300 + 12 + 60)


def test_loads_and_redemptions_share_a_file_and_no_batch(odfi: Odfi, receiver: str) -> None:
    hand_over(odfi, receiver, 2)
    hand_over(odfi, receiver, 1, Direction.CREDIT)
    (file,) = written(odfi, MONDAY, whole=True)
    assert (file.entries, file.batches, file.debits, file.credits) == (3, 2, 50_00, 25_00)
    with odfi.database.role("worker"), actor(SYSTEM):
        assert list(file.parts.order_by("number").values_list("sec", "direction", "entries")) == [
            ("PPD", "credit", 1), ("WEB", "debit", 2),
        ]  # fmt: skip


def test_traces_go_on_from_file_to_file_and_modifiers_tell_the_files_of_a_day_apart(odfi: Odfi, receiver: str) -> None:
    for _ in range(3):
        hand_over(odfi, receiver, 2)
        written(odfi, MONDAY, whole=True)
    with odfi.database.role("worker"), actor(SYSTEM):
        traces = list(NachaEntry.objects.exclude(trace=None).order_by("pk").values_list("trace", flat=True))
        assert traces == [f"09100001{n:07d}" for n in range(1, 7)]
        assert list(NachaFile.objects.order_by("pk").values_list("modifier", flat=True)) == ["A", "B", "C"]


def test_a_day_has_thirty_six_files_and_what_waits_goes_on_waiting(
    odfi: Odfi, receiver: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(files, "MODIFIERS", "AB")
    for _ in range(2):
        hand_over(odfi, receiver, 1)
        written(odfi, MONDAY, whole=True)
    hand_over(odfi, receiver, 1)
    with pytest.raises(files.NoMoreFiles):
        written(odfi, MONDAY, whole=True)
    (file,) = written(odfi, MONDAY + timedelta(days=1), whole=True)
    assert file.modifier == "A"
    monkeypatch.setattr(files, "MODIFIERS", "")
    hand_over(odfi, receiver, 1)
    odfi.as_worker(tasks.write_files)  # says so and sends what there is
    assert "nacha_no_more_files" in caplog.text


def test_used_up_traces_stop_everything(odfi: Odfi, receiver: str) -> None:
    hand_over(odfi, receiver, 1)
    odfi.database.as_superuser("insert into banking_nachacounter values ('09100001', 9999999)")
    with pytest.raises(files.NoMoreFiles, match="used up"):
        written(odfi, MONDAY, whole=True)


def test_a_file_with_a_fault_is_not_even_stored(odfi: Odfi, receiver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over(odfi, receiver, 2)

    def faulty(file: Any) -> None:
        raise InvalidFile([Fault(3, "entry", "amount", "is no number")])

    with monkeypatch.context() as broken:
        broken.setattr(files, "write", faulty)
        with pytest.raises(InvalidFile):
            written(odfi, MONDAY, whole=True)
    with odfi.database.role("worker"), actor(SYSTEM):
        assert not NachaFile.objects.exists()
    (file,) = written(odfi, MONDAY, whole=True)
    assert file.entries == 2


def test_an_entry_that_no_file_could_hold_is_refused_at_once(odfi: Odfi, receiver: str) -> None:
    with odfi.database.role("worker"), pytest.raises(ProviderRejected, match="InvalidEntry"):
        entries.hand_over(key=uuid4(), bank=receiver, amount=10**10, direction=Direction.DEBIT)


def test_a_name_without_a_letter_of_the_network_goes_by_the_username(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    odfi.database.as_superuser("update users_profile set display_name = '李雷' where user_id = %s", [person.person.id])
    person.submit(person.load(25_00))
    file = odfi.ship()
    entry = (odfi.drop / "outgoing" / file.name).read_text().splitlines()[2]
    assert entry[54:76].strip() == person.person.username.upper().replace("_", " ")


def test_what_it_costs_together_and_alone(odfi: Odfi, receiver: str) -> None:
    hand_over(odfi, receiver, 10)
    (file,) = written(odfi, MONDAY, whole=True)
    cost = odfi.as_worker(report.of_files, since=file.day)
    assert (cost.entries, cost.files, cost.each, cost.each_unbatched) == (10, 1, "92.0", "812.0")


def command(odfi: Odfi, *arguments: str) -> str:
    out = StringIO()
    with odfi.database.role("worker"):
        call_command("nacha_write", *arguments, stdout=out)
    return out.getvalue()


def test_the_command(odfi: Odfi, receiver: str) -> None:
    hand_over(odfi, receiver, 2)
    planned = command(odfi, "--dry-run")
    assert "planned: 2 entries in 1 files" in planned
    other = "standard" if "same day" in planned else "same-day"
    assert command(odfi, "--dry-run", "--window", other).startswith("planned: 0 entries")
    said = command(odfi)
    assert "2 entries in 1 batches" in said
    assert said.count(": sent") == 1
    assert command(odfi) == ""
    assert "2 entries in 1 files" in command(odfi, "--report")


def test_the_command_says_what_is_wrong(odfi: Odfi, receiver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over(odfi, receiver, 1)
    monkeypatch.setattr(files, "MODIFIERS", "")
    with pytest.raises(CommandError, match="NoMoreFiles"):
        command(odfi)


def test_what_beat_wakes_does_it_all(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(25_00))
    odfi.as_worker(tasks.write_files)
    assert odfi.entry(row).batch.file.status == "sent"
    for _ in range(4):
        odfi.bank.advance(1)
        odfi.as_worker(tasks.collect_from_bank)
    assert person.fresh(row).status == "settled"


def test_without_a_drop_there_is_no_such_rail(odfi: Odfi, settings: Any) -> None:
    from banking import rails

    assert rails.available()[-1] == "odfi"
    settings.ODFI_DROP = ""
    assert "odfi" not in rails.available()
    tasks.write_files()
    tasks.collect_from_bank()
