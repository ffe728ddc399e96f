"""Direct NACHA files from end to end: a person's load and redemption, the file, the bank, its answers, the wallet."""

from collections.abc import Callable
from typing import Any

import pytest

from banking import rails
from banking.nacha.read import read_bytes
from banking.nacha.records import Forward
from core.resilience import ProviderDown, ProviderRejected
from tests.banking.odfi import Odfi
from tests.conftest import Database


def test_a_load_goes_out_in_a_file_and_settles_on_the_banks_statement(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(50_00))
    assert (row.status, row.rail) == ("pending", "odfi")
    assert odfi.entry(row).status == "queued"
    file = odfi.ship()
    sent = (odfi.drop / "outgoing" / file.name).read_bytes()
    (item,) = [item for item in read_bytes(sent).items if isinstance(item, Forward)]
    assert (item.entry.amount, item.entry.sec, item.entry.transaction_code) == (50_00, "WEB", "27")
    assert item.entry.trace == odfi.entry(row).trace
    odfi.days(1)
    assert odfi.entry(row).status == "acknowledged"
    odfi.days(1)
    assert person.fresh(row).status == "pending"  # settled at the bank, and may still come back
    odfi.days(2)
    row = person.fresh(row)
    assert (row.status, odfi.entry(row).status) == ("settled", "settled")
    assert person.money() == (50_00, 0, 0)
    assert odfi.quarantine() == []
    assert odfi.unread() == 0


def test_a_redemption_too(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked(money=30_00)
    row = person.submit(person.redeem(20_00))
    assert person.money() == (10_00, 0, 20_00)
    odfi.ship()
    odfi.days(1)
    assert person.fresh(row).status in ("pending", "settled")
    odfi.days(1)
    assert person.fresh(row).status == "settled"
    assert person.money() == (10_00, 0, 0)
    assert odfi.quarantine() == []


def test_the_balance_is_what_the_last_statement_says(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    rail = rails.rail("odfi")
    with pytest.raises(ProviderDown):
        odfi.as_worker(rail.balance)
    person.submit(person.load(10_00))
    odfi.ship()
    odfi.days(1)
    before = odfi.as_worker(rail.balance)
    row = person.submit(person.load(50_00))
    odfi.ship()
    odfi.days(4)
    assert person.fresh(row).status == "settled"
    assert odfi.as_worker(rail.balance) == before + 50_00


def test_a_debit_that_comes_back_fails_before_anything_was_minted(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked(name="R03")
    row = person.submit(person.load(50_00))
    odfi.ship()
    odfi.days(4)
    row = person.fresh(row)
    assert (row.status, row.failure_code) == ("failed", "R03")
    assert person.money() == (0, 0, 0)


def test_more_than_the_account_has_comes_back_as_r01(odfi: Odfi, linked: Callable[..., Any]) -> None:
    """Each is covered when the bank is asked for its balance, and both are not when they arrive."""
    person = linked(balance=10)
    rows = [person.submit(person.load(8_00)) for _ in range(2)]
    odfi.ship()
    odfi.days(4)
    ended = [person.fresh(row) for row in rows]
    assert sorted((row.status, row.failure_code) for row in ended) == [("failed", "R01"), ("settled", "")]


def test_a_refused_credit_gives_the_tokens_back(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked(money=30_00, name="R23")
    row = person.submit(person.redeem(20_00))
    odfi.ship()
    odfi.days(3)
    assert (person.fresh(row).status, person.fresh(row).failure_code) == ("failed", "R23")
    assert person.money() == (30_00, 0, 0)


def test_a_late_return_is_taken_back(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked(name="R10-late")
    row = person.submit(person.load(50_00))
    odfi.ship()
    odfi.days(4)
    assert person.fresh(row).status == "settled"
    odfi.days(2)
    row = person.fresh(row)
    assert (row.status, row.failure_code) == ("returned", "R10")
    assert person.money() == (0, 0, 0)


def test_the_same_key_is_the_same_entry_and_another_amount_is_refused(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(50_00))
    entry = odfi.entry(row)
    rail, bank = rails.rail("odfi"), entry.receiver.public_id
    with odfi.database.role("worker"):
        assert rail.create_pull(key=row.rail_key, bank=bank, amount=50_00) == entry.public_id
        found = rail.find(key=row.rail_key, customer="")
        assert found is not None
        assert (found.id, found.status, found.amount, found.key) == (entry.public_id, "pending", 50_00, str(row.rail_key))
        with pytest.raises(ProviderRejected, match="KeyReused"):
            rail.create_pull(key=row.rail_key, bank=bank, amount=50_01)


def test_an_entry_is_taken_back_until_it_is_in_a_file(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row, late = (person.submit(person.load(amount)) for amount in (50_00, 60_00))
    rail = rails.rail("odfi")
    with odfi.database.role("worker"):
        rail.cancel(transfer=odfi.entry(row).public_id)
        rail.cancel(transfer=odfi.entry(row).public_id)
    assert person.refresh(row).status == "cancelled"
    assert odfi.ship().entries == 1
    with odfi.database.role("worker"), pytest.raises(ProviderRejected, match="TooLateToCancel"):
        rail.cancel(transfer=odfi.entry(late).public_id)


def test_an_entry_whose_file_is_being_written_is_asked_about_again(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(50_00))
    writer = odfi.database.connect("owner")
    writer.autocommit = False
    with writer.cursor() as cursor:
        cursor.execute("lock table banking_nachaentry in exclusive mode")
        with odfi.database.role("worker"), pytest.raises(ProviderDown):
            rails.rail("odfi").cancel(transfer=odfi.entry(row).public_id)
    writer.rollback()
    writer.close()
    with odfi.database.role("worker"):
        rails.rail("odfi").cancel(transfer=odfi.entry(row).public_id)
    assert odfi.entry(row).status == "cancelled"


def test_the_same_account_of_a_person_has_one_id(odfi: Odfi, linked: Callable[..., Any], database: Database) -> None:
    person, other = linked(), linked()
    rail = rails.rail("odfi")
    (public_id,) = database.as_superuser("select public_id from users_user where id = %s", [person.person.id])[0]
    (others_id,) = database.as_superuser("select public_id from users_user where id = %s", [other.person.id])[0]
    ids = [
        rail.add_bank(customer=customer, credential=numbers, kind="checking", name="Everyday")
        for customer, numbers in [
            (public_id, "222222226:12345"), (public_id, "222222226:12345"), (public_id, "222222226:123450"),
            (others_id, "222222226:12345"),
        ]
    ]  # fmt: skip
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    with database.role("worker"):
        rail.remove_bank(bank=ids[0])
        assert not rail.bank_usable(bank=ids[0])
        assert rail.bank_usable(bank=ids[2])
    assert rail.add_bank(customer=public_id, credential="222222226:12345", kind="checking", name="") == ids[0]
    with database.role("worker"):
        assert rail.bank_usable(bank=ids[0])


@pytest.mark.parametrize(
    "numbers", ["222222225:12345", "22222222:12345", "222222226:", "222222226:" + "1" * 18, "222222226:12é45", "x"]
)
def test_numbers_that_no_bank_has_are_refused(odfi: Odfi, linked: Callable[..., Any], database: Database, numbers: str) -> None:
    person = linked()
    (public_id,) = database.as_superuser("select public_id from users_user where id = %s", [person.person.id])[0]
    with pytest.raises(ProviderRejected):
        rails.rail("odfi").add_bank(customer=public_id, credential=numbers, kind="checking", name="")


def test_account_numbers_are_encrypted_wherever_they_are(odfi: Odfi, linked: Callable[..., Any], database: Database) -> None:
    person = linked(name="C01")
    row = person.submit(person.load(50_00))
    file = odfi.ship()
    content = (odfi.drop / "outgoing" / file.name).read_text()
    number = content.splitlines()[2][12:29].strip()
    odfi.days(3)
    odfi.receive("odd.txt", f"6 {number} is no entry\n".encode())
    tables = ["entry", "receiver", "file", "incoming", "quarantine", "change", "return"]
    dump = "".join(str(database.as_superuser(f"select t::text from banking_nacha{table} t")) for table in tables)
    assert number not in dump
    assert number.encode().hex() not in dump
    assert odfi.entry(row).public_id in dump


def test_nobody_can_sign_for_a_bank_that_has_no_webhooks() -> None:
    from banking.rails.odfi import Odfi as Rail

    assert not Rail().verify_webhook(body=b"{}", headers={"X-Request-Signature-SHA-256": "0" * 64})
