"""What the bank sends: each kind of answer, twice, wrong, unreadable, and for nothing of ours."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from banking.models import NachaChange, NachaEntry, NachaFile, NachaIncoming, NachaReturn
from banking.nacha.codes import RETURNS, Kind
from banking.services.nacha import answers, entries, incoming, sending
from core.actor import SYSTEM, actor
from core.clock import now
from core.resilience import ProviderRejected
from tests.banking.odfi import Odfi
from tests.nacha import files as nacha


@pytest.fixture
def filed(odfi: Odfi, linked: Callable[..., Any]) -> tuple[Any, Any, str]:
    """A person, a load of $25.00 that is in a file at the bank, and its trace."""
    person = linked()
    row = person.submit(person.load(25_00))
    odfi.ship()
    odfi.days(1)
    return person, row, str(odfi.entry(row).trace)


def returned(trace: str, code: str = "R01", *, amount: int = 25_00, transaction: str = "26", **more: str) -> bytes:
    lines = nacha.returned(nacha.entry(transaction, amount), nacha.addenda99(code, trace=trace, **more), amount=amount)
    return "\r\n".join(lines).encode()


def changed(trace: str, code: str, data: str) -> bytes:
    addenda = nacha.addenda98(code, data).replace(nacha.TRACE, trace)
    return "\n".join(nacha.returned(nacha.entry("21", 0), addenda, sec="COR", amount=0)).encode()


RETURN_CODES = [code for code, meaning in RETURNS.items() if meaning.kind is Kind.RETURN]


# ------------------------------------------------------------------------------------------------------- returns
def test_a_return_fails_its_transfer_once(odfi: Odfi, filed: Any) -> None:
    person, row, trace = filed
    odfi.receive("a", returned(trace, "R02"))
    assert (person.fresh(row).status, person.fresh(row).failure_code) == ("failed", "R02")
    odfi.receive("b", returned(trace, "R02"))  # the same bytes
    odfi.receive("c", returned(trace, "R02") + b"\r\n")  # the same return in other bytes
    with odfi.database.role("worker"), actor(SYSTEM):
        assert NachaReturn.objects.count() == 1
        assert NachaIncoming.objects.filter(kind="nacha").count() == 2
    assert odfi.quarantine() == []
    assert person.money() == (0, 0, 0)


def test_every_return_code_is_understood(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    rows = [person.submit(person.load(25_00)) for _ in RETURN_CODES[:8]]
    odfi.ship()
    odfi.days(1)
    for row, code in zip(rows, RETURN_CODES[::8], strict=False):
        odfi.receive(code, returned(str(odfi.entry(row).trace), code))
        assert (person.fresh(row).status, person.fresh(row).failure_code) == ("failed", code)
    assert odfi.quarantine() == []


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"amount": 25_01}, "another amount"),
        ({"transaction": "21"}, "goes the other way"),
        ({"code": "R99"}, "no return code"),
        ({"trace": "091000019999999"}, "no entry of ours"),
        ({"code": "R68"}, "needs staff: dishonored return R68"),
        ({"code": "R73"}, "needs staff: contested return R73"),
    ],
)
def test_what_does_not_fit_is_quarantined_and_changes_nothing(odfi: Odfi, filed: Any, how: dict[str, Any], why: str) -> None:
    person, row, trace = filed
    odfi.receive("a", returned(**{"trace": trace, **how}))
    assert [why in reason for reason in odfi.quarantine()] == [True, True]  # the entry and its addenda
    assert person.fresh(row).status == "pending"
    assert odfi.entry(row).status == "acknowledged"


def test_a_second_return_with_another_code_is_for_staff(odfi: Odfi, filed: Any) -> None:
    person, row, trace = filed
    odfi.receive("a", returned(trace, "R01"))
    odfi.receive("b", returned(trace, "R10"))
    assert all("has come back as R01 already" in reason for reason in odfi.quarantine())
    assert person.fresh(row).failure_code == "R01"


def test_a_return_before_the_acknowledgement_counts_too(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(25_00))
    odfi.ship()
    odfi.receive("a", returned(str(odfi.entry(row).trace), "R04"))
    assert person.fresh(row).status == "failed"
    odfi.days(1)
    assert odfi.entry(row).status == "returned"


def test_a_return_in_the_same_delivery_as_the_statement_comes_first(odfi: Odfi, filed: Any) -> None:
    person, row, trace = filed
    odfi.bank.advance(3)
    (odfi.drop / "incoming" / "z-return").write_bytes(returned(trace, "R01"))  # last by name
    odfi.collect()
    assert (person.fresh(row).status, person.fresh(row).failure_code) == ("failed", "R01")


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff" * 50, b"6this is no entry\n", b"hello\n", b"01,garbage", b"ACH FILE ACKNOWLEDGEMENT\nFILE x\n"]
)
def test_what_cannot_be_read_is_kept_and_raised(odfi: Odfi, filed: Any, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    odfi.receive("odd", data)
    assert odfi.unread() == 0
    if data.strip(b"\x00"):
        assert odfi.quarantine()
        assert "nacha_quarantined" in caplog.text


def test_an_entry_of_somebody_else_is_no_return(odfi: Odfi, filed: Any) -> None:
    odfi.receive("a", "\n".join(nacha.returned(nacha.entry("22", addenda="0"), count=1)).encode())
    assert ["needs staff: entry" in reason for reason in odfi.quarantine()] == [True]


def test_a_file_that_breaks_us_does_not_hold_up_the_others(odfi: Odfi, filed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    person, row, trace = filed

    def breaks(*args: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(answers, "take_return", breaks)
        odfi.receive("a", returned(trace))
        assert odfi.unread() == 1
        odfi.receive("b", b"hello\n")
        assert odfi.unread() == 1
    odfi.collect()
    assert odfi.unread() == 0
    assert person.fresh(row).status == "failed"


def test_news_that_could_not_be_told_is_told_again(odfi: Odfi, filed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from banking.services import transfers
    from core.resilience import ProviderDown

    person, row, trace = filed

    def down(**arguments: Any) -> bool:
        raise ProviderDown("not now")

    with monkeypatch.context() as deaf:
        deaf.setattr(transfers, "heard_of", down)
        odfi.receive("a", returned(trace))
    assert person.fresh(row).status == "pending"
    assert odfi.as_worker(incoming.tell_transfers) == 1
    assert person.fresh(row).status == "failed"
    assert odfi.as_worker(incoming.tell_transfers) == 0


# ------------------------------------------------------------------------------------------------------- changes
def test_a_change_corrects_what_leaves_later_and_no_history(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked(name="C01")
    row = person.submit(person.load(25_00))
    first = odfi.ship()
    waiting = person.submit(person.load(30_00))
    before = (odfi.drop / "outgoing" / first.name).read_bytes()
    odfi.days(1)
    assert odfi.quarantine() == []
    with odfi.database.role("worker"), actor(SYSTEM):
        (change,) = NachaChange.objects.all()
        assert (change.code, change.fields) == ("C01", "account")
    old = before.decode().splitlines()[2][12:29].strip()
    second = odfi.ship()
    sent = (odfi.drop / "outgoing" / second.name).read_text().splitlines()[2]
    assert sent[12:29].strip() == f"9{old[1:]}"
    assert (odfi.drop / "outgoing" / first.name).read_bytes() == before
    odfi.days(4)
    assert {person.fresh(each).status for each in (row, waiting)} == {"settled"}
    assert person.money() == (55_00, 0, 0)


def test_routing_account_and_kind_together(odfi: Odfi, filed: Any) -> None:
    _, row, trace = filed
    odfi.receive("a", changed(trace, "C07", f"{nacha.OTHER_BANK}{'555666':<17}37"))
    receiver = odfi.entry(row).receiver
    assert (receiver.routing, receiver.kind) == (nacha.OTHER_BANK, "savings")
    assert odfi.entry(row).routing == nacha.BANK  # what was filed stays
    odfi.receive("b", changed(trace, "C07", f"{nacha.OTHER_BANK}{'555666':<17}37") + b"\n")
    assert odfi.quarantine() == []


@pytest.mark.parametrize(
    ("code", "data"), [("C02", "123456789"), ("C05", "52"), ("C01", ""), ("C10", "OTHER COMPANY"), ("C13", ""), ("C61", "x")]
)
def test_a_change_that_is_not_ours_to_make_is_quarantined(odfi: Odfi, filed: Any, code: str, data: str) -> None:
    _, row, trace = filed
    before = odfi.entry(row).receiver
    odfi.receive("a", changed(trace, code, data))
    assert odfi.quarantine()
    after = odfi.entry(row).receiver
    assert (after.routing, after.kind, bytes(after.account)) == (before.routing, before.kind, bytes(before.account))


def test_a_name_is_noted_and_nothing_else(odfi: Odfi, filed: Any) -> None:
    odfi.receive("a", changed(filed[2], "C04", "MAYA OTHER"))
    with odfi.database.role("worker"), actor(SYSTEM):
        assert list(NachaChange.objects.values_list("code", "fields")) == [("C04", "")]
    assert odfi.quarantine() == []


# ------------------------------------------------------------------------------------------------------- files
def acknowledgement(file: NachaFile, status: str = "ACCEPTED", **figures: int) -> bytes:
    said = {"ENTRIES": file.entries, "DEBITS": file.debits, "CREDITS": file.credits} | figures
    lines = ["ACH FILE ACKNOWLEDGEMENT", f"FILE {file.name}", f"STATUS {status}", *(f"{k} {v}" for k, v in said.items())]
    return "\n".join(lines).encode()


def test_an_acknowledgement_with_other_figures_is_for_staff(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(25_00))
    odfi.receive("a", acknowledgement(odfi.ship(), DEBITS=24_00))
    assert ["other debits" in reason for reason in odfi.quarantine()] == [True]
    assert odfi.entry(row).status == "filed"


def test_a_file_is_not_rejected_after_it_was_taken(odfi: Odfi, filed: Any) -> None:
    _, row, _ = filed
    odfi.receive("a", acknowledgement(odfi.entry(row).batch.file, "REJECTED"))
    assert ["was acknowledged before" in reason for reason in odfi.quarantine()] == [True]
    assert odfi.entry(row).status == "acknowledged"


def test_an_acknowledgement_of_what_we_did_not_live_to_record(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(25_00))
    (file,) = odfi.write()
    odfi.receive("a", acknowledgement(file))
    assert odfi.entry(row).status == "acknowledged"
    assert odfi.entry(row).batch.file.sent_at is not None
    assert odfi.send() == []


def test_the_bank_says_when_it_settles(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(25_00))
    file = odfi.ship()
    later = odfi.entry(row).batch.effective_on + timedelta(days=30)
    odfi.receive("a", acknowledgement(file) + f"\nBATCH 1 SETTLES {later}\n".encode())
    entry = odfi.entry(row)
    assert entry.batch.settles_on == later
    assert entry.arrives_on > later


def test_a_file_that_nobody_answers_is_raised_once(odfi: Odfi, linked: Callable[..., Any], settings: Any) -> None:
    person = linked()
    person.submit(person.load(25_00))
    odfi.bank.post("/sandbox/odfi/answers", {"mode": "silent"})
    odfi.ship()
    odfi.days(4)
    assert odfi.as_worker(sending.miss_answers) == 0
    settings.ODFI_ACKNOWLEDGED_WITHIN_HOURS = 0
    assert odfi.as_worker(sending.miss_answers) == 1
    assert odfi.as_worker(sending.miss_answers) == 0
    with odfi.database.role("worker"), actor(SYSTEM):  # and nothing is believed to have arrived
        assert NachaEntry.objects.get().status == "filed"


def rejected(odfi: Odfi, person: Any) -> tuple[Any, NachaFile]:
    row = person.submit(person.load(25_00))
    odfi.bank.post("/sandbox/odfi/answers", {"mode": "reject"})
    file = odfi.ship()
    odfi.days(1)
    return row, file


def after_rejection(odfi: Odfi, file: NachaFile, *, again: bool) -> None:
    staff = odfi.database.as_superuser("select id from users_user where kind = 'staff'")[0][0]
    with odfi.database.role("staff"):
        from core.staff import call

        call("banking_nacha_after_rejection", [file.public_id, again, "The bank wants it once more"], staff_id=staff)


def test_a_rejected_file_goes_out_again_under_new_traces(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row, file = rejected(odfi, person)
    assert person.fresh(row).status == "pending"
    first = odfi.entry(row)
    assert (first.status, first.batch.file.status) == ("filed", "rejected")
    after_rejection(odfi, file, again=True)
    again = odfi.ship()
    assert again.name != file.name
    assert odfi.entry(row).trace != first.trace
    odfi.days(4)
    assert person.fresh(row).status == "settled"
    assert person.money() == (25_00, 0, 0)


def test_a_rejected_file_given_up_fails_its_transfers(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row, file = rejected(odfi, person)
    after_rejection(odfi, file, again=False)
    odfi.collect()
    assert (person.fresh(row).status, person.fresh(row).failure_code) == ("failed", "FILE")
    assert person.money() == (0, 0, 0)
    assert odfi.write() == []


# ------------------------------------------------------------------------------------------------------- our own
def test_a_load_presented_again_is_the_same_entry_described_so(odfi: Odfi, filed: Any) -> None:
    from banking.services.presenting import present_again

    person, row, trace = filed
    odfi.receive("r0", returned(trace))
    last = row
    for n in (1, 2):
        again = person.submit(present_again(user_id=person.person.id, public_id=last.public_id))
        entry = odfi.entry(again)
        assert (entry.purpose, entry.original_id, entry.amount) == ("retry", odfi.entry(row).pk, 25_00)
        file = odfi.ship()
        assert (odfi.drop / "outgoing" / file.name).read_text().splitlines()[1][53:63] == "RETRY PYMT"
        odfi.receive(f"r{n}", returned(str(odfi.entry(again).trace), "R09"))
        last = person.fresh(again)
        assert (last.status, last.failure_code) == ("failed", "R09")


def test_what_the_statement_says_is_kept_for_reconciliation_under_our_keys(odfi: Odfi, filed: Any) -> None:
    _, row, _ = filed
    odfi.days(3)
    lines = odfi.database.as_superuser(
        "select kind, amount, transfer, reference_key::text from banking_statementline where custodian = 'odfi' and amount = 2500"
    )
    assert lines == [("transfer", 25_00, odfi.entry(row).public_id, str(row.rail_key))]


def test_a_prenote_and_a_reversal(odfi: Odfi, filed: Any) -> None:
    from uuid import uuid4

    from banking.nacha.model import Direction

    _, row, _ = filed
    entry = odfi.entry(row)
    first = odfi.as_worker(entries.reverse, entry=entry.public_id)
    assert odfi.as_worker(entries.reverse, entry=entry.public_id).pk == first.pk  # once
    odfi.as_worker(entries.prenote, key=uuid4(), bank=entry.receiver.public_id, direction=Direction.DEBIT)
    file = odfi.ship()
    lines = (odfi.drop / "outgoing" / file.name).read_text().splitlines()
    described = {line[53:63].strip() for line in lines if line[0] == "5"}
    coded = {(line[1:3], int(line[29:39])) for line in lines if line[0] == "6"}
    assert described == {"LOAD", "REVERSAL"}
    assert coded == {("28", 0), ("22", 25_00)}
    with odfi.database.role("worker"), pytest.raises(ProviderRejected, match="NotReversible"):
        entries.reverse(entry=first.public_id)


def test_a_reversal_comes_within_five_banking_days_or_not_at_all(odfi: Odfi, filed: Any) -> None:
    entry = odfi.entry(filed[1])
    odfi.database.as_superuser("alter table banking_nachabatch disable trigger all")
    odfi.database.as_superuser("update banking_nachabatch set settles_on = %s", [now().date() - timedelta(days=30)])
    with odfi.database.role("worker"), pytest.raises(ProviderRejected, match="TooLateToReverse"):
        entries.reverse(entry=entry.public_id)
