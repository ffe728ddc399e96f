"""Keys are replaced while people use what they protect: no failed read, nothing left under an old key."""

import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from banking.models import BankAccount, BankItem, BankSource, LinkSession, RailCustomer
from banking.services import secrets as bank_secrets
from core import keyring
from core.actor import SYSTEM, actor
from core.clock import now
from core.keyring import cipher, columns, datakeys, rotation
from tests.conftest import Database
from tests.keys.conftest import new_kms_key, point_alias
from users import services
from users.queries import phone_hint
from users.services.codes import pending

ROOT = Path(__file__).resolve().parent.parent.parent


def rotate(database: Database, *arguments: str) -> "subprocess.Popen[str]":
    """`manage.py rotate_keys` in a process of its own, as the worker."""
    env = {**os.environ, "DATABASE_URL": database.url("worker"), "PAYA_LOG_LEVEL": "WARNING"}
    return subprocess.Popen(
        [sys.executable, "manage.py", "rotate_keys", *arguments],
        cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def rotated(database: Database, *arguments: str) -> str:
    process = rotate(database, *arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def link_bank(user_id: int) -> dict[str, Any]:
    """One of each encrypted row of the banking room; what is in them."""
    mark = uuid4().hex
    with actor(user_id):
        LinkSession.objects.create(
            user_id=user_id, state=mark, link_token=bank_secrets.seal_link_token(user_id, mark, f"link-{mark}"), expires_at=now()
        )
        item = BankItem(user_id=user_id, token_index=mark.encode())
        item.access_token = bank_secrets.seal_access_token(item, f"access-{mark}")
        item.save()
        account = BankAccount.objects.create(
            user_id=user_id, item=item, account_id=mark, name="n", mask="0", kind="checking"
        )
        source = BankSource(user_id=user_id, account=account, rail=mark, source_index=mark.encode())
        source.source = bank_secrets.seal_source(source, f"source-{mark}")
        source.save()
        RailCustomer.objects.create(
            user_id=user_id, rail=mark, customer=bank_secrets.seal_customer(user_id, mark, f"customer-{mark}")
        )
    return {"user": user_id, "mark": mark}


def read_bank(linked: dict[str, Any]) -> None:
    user_id, mark = linked["user"], linked["mark"]
    with actor(user_id):
        assert bank_secrets.link_token_of(LinkSession.objects.get(state=mark)) == f"link-{mark}"
        item = BankItem.objects.get(token_index=mark.encode())
        assert bank_secrets.access_token(item) == f"access-{mark}"
        assert bank_secrets.source_id(BankSource.objects.get(account__item=item)) == f"source-{mark}"
        assert bank_secrets.customer_id(RailCustomer.objects.get(user_id=user_id, rail=mark)) == f"customer-{mark}"


def under_dead_keys(database: Database) -> list[tuple[str, int]]:
    """Per encrypted column, how many values name a data key that is not there."""
    found = []
    for column in columns.all_columns():
        keys = "core_systemkey" if column.system else "core_datakey"
        live = [cipher.header(key_id) for (key_id,) in database.as_superuser(f"select id from {keys}")]
        rows = database.as_superuser(
            f"select count(*) from {column.table} where {column.column} is not null"
            f" and not substring({column.column} from 1 for 9) = any(%s)",
            [live],
        )
        found.append((f"{column.table}.{column.column}", rows[0][0]))
    return [(name, count) for name, count in found if count]


def key_ids(database: Database, table: str = "core_datakey") -> set[int]:
    return {key_id for (key_id,) in database.as_superuser(f"select id from {table}")}


def masters(database: Database) -> list[tuple[str]]:
    """The master keys that wrap anything."""
    return database.as_superuser("select master_id from core_datakey union select master_id from core_systemkey")


class Load:
    """People who sign up, ask for codes, link banks and read, in threads, until they are told to stop."""

    def __init__(self, database: Database, people: list[Any], banks: list[dict[str, Any]]) -> None:
        self.database, self.people, self.banks = database, people, banks
        self.errors: list[BaseException] = []
        self.done: dict[str, int] = {}
        self._stop = threading.Event()
        self._phones = itertools.count(1)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        work = [self.read_phone, self.read_phone, self.read_bank, self.ask, self.sign_up, self.link]
        threads = [threading.Thread(target=self._repeat, args=(each,)) for each in work]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.3)
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _repeat(self, work: Callable[[], None]) -> None:
        connection.ensure_connection()
        while not self._stop.is_set():
            try:
                work()
                self.done[work.__name__] = self.done.get(work.__name__, 0) + 1
            except BaseException as error:
                self.errors.append(error)
            time.sleep(0.1)  # enough to be in the way, and the rotation gets to work
        connection.close()

    def read_phone(self) -> None:
        if random.random() < 0.2:
            keyring.forget_cached_keys()  # so that reads ask the database and the master key
        person = random.choice(self.people)
        assert phone_hint(user_id=person.id) == f"•••• {person.phone[-4:]}"

    def read_bank(self) -> None:
        read_bank(random.choice(self.banks))

    def ask(self) -> None:
        phone = f"+1646555{next(self._phones):04d}"
        challenge = services.request_code(phone=phone, address="").challenge
        asked = pending(challenge=challenge)
        assert asked is not None and asked.phone == phone

    def sign_up(self) -> None:
        with transaction.atomic():
            person = services.sign_up(phone=f"+1718555{next(self._phones):04d}")
        assert phone_hint(user_id=person.id)

    def link(self) -> None:
        linked = link_bank(random.choice(self.people).id)
        read_bank(linked)
        self.banks.append(linked)


@pytest.fixture
def load(database, make_person, settings) -> Load:
    settings.OTP_PER_PHONE_DAY, settings.OTP_RESEND_SECONDS = 1000, 0
    people = [make_person(f"person{number}") for number in range(12)]
    return Load(database, people, [link_bank(person.id) for person in people[:10]])


def check(load: Load, database: Database) -> None:
    assert load.errors == []
    assert min(load.done.get(name, 0) for name in ("read_phone", "read_bank", "ask", "sign_up", "link")) > 3, load.done
    assert under_dead_keys(database) == []
    keyring.forget_cached_keys()
    for person in load.people:
        assert phone_hint(user_id=person.id) == f"•••• {person.phone[-4:]}"
    for linked in load.banks:
        read_bank(linked)


# ------------------------------------------------------------------------------------------------- under load
@pytest.mark.timeout(600)
def test_data_keys_are_replaced_under_load(load, database):
    people = [person.id for person in load.people]
    before, system_before = key_ids(database), None
    indexes = database.as_superuser("select id, phone_index from users_user where id = any(%s) order by id", [people])
    with load.running() as busy:
        busy.ask()
        system_before = key_ids(database, "core_systemkey")
        rotated(database, "--data", "--grace", "1.5")
        time.sleep(0.3)
    check(load, database)
    assert key_ids(database).isdisjoint(before)
    assert key_ids(database, "core_systemkey").isdisjoint(system_before)
    assert database.as_superuser("select count(*) from core_keyrotation where finished_at is null") == [(0,)]
    # Whoever is known by a phone still is: the blind index has a key of its own, which does not rotate.
    assert database.as_superuser("select id, phone_index from users_user where id = any(%s) order by id", [people]) == indexes
    with transaction.atomic():
        assert services.sign_up(phone=load.people[0].phone).id == load.people[0].id


@pytest.mark.timeout(600)
def test_the_master_key_in_the_file_is_replaced_under_load(load, database, key_file):
    with load.running():
        out = rotated(database, "--new-master")
        time.sleep(0.3)
    check(load, database)
    assert "master key k2 is active" in out
    assert masters(database) == [("k2",)]


@pytest.mark.timeout(600)
def test_from_the_file_to_kms_and_on_to_a_new_kms_key_under_load(load, database, settings, monkeypatch, aws):
    """The file's keys move into KMS, then the alias moves; in the end the file and the first key could be lost."""
    with load.running():
        first = new_kms_key(aws)
        point_alias(aws, first)
        monkeypatch.setenv("PAYA_KMS_KEY", "alias/paya")
        settings.KMS_KEY = "alias/paya"
        rotated(database, "--master")
        assert masters(database) == [(first,)]
        second = new_kms_key(aws)
        point_alias(aws, second)
        rotated(database, "--master", "--data", "--grace", "1.5")
        time.sleep(0.3)
    settings.KEY_FILE = "/nowhere"
    aws.client("kms").disable_key(KeyId=first.rpartition("/")[2])
    check(load, database)
    assert masters(database) == [(second,)]


# ----------------------------------------------------------------------------- what each protection is there for
@contextmanager
def slow_writer(user_id: int) -> Iterator[None]:
    """Has sealed a value inside, and stores and commits it only at the end."""
    sealed, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with actor(user_id):
            token = bank_secrets.seal_link_token(user_id, "slow", "slow-token")
            sealed.set()
            go_on.wait(60)
            LinkSession.objects.create(user_id=user_id, state="slow", link_token=token, expires_at=now())
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert sealed.wait(10)
        yield
    finally:
        go_on.set()
        thread.join()


def held_by_nobody(function: str, owner: int | str) -> int | None:
    table, column = ("core_datakey", "user_id") if "person" in function else ("core_systemkey", "name")
    row = datakeys._query(f"select max(id) from {table} where {column} = %s", [owner])
    return row[0] if row else None


@pytest.mark.parametrize("hold", [True, False], ids=["held", "control: not held"])
def test_what_is_sealed_while_keys_change_is_not_lost(hold, database, make_person, monkeypatch):
    ann = make_person("ann")
    if not hold:
        monkeypatch.setattr(datakeys, "_hold", held_by_nobody)
    before = key_ids(database)
    with slow_writer(ann.id):
        process = rotate(database, "--data", "--grace", "0")
        if hold:
            deadline = time.monotonic() + 60
            while len(key_ids(database)) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(1)
            assert process.poll() is None and before <= key_ids(database)  # it waits for the writer
        else:
            process.communicate(timeout=60)
    process.communicate(timeout=60)
    assert key_ids(database).isdisjoint(before)
    assert (under_dead_keys(database) == []) is hold


@pytest.mark.parametrize("grace", [3.0, 0.0], ids=["grace", "control: no grace"])
def test_what_was_read_before_still_opens_for_a_while(grace, database, make_person):
    ann = make_person("ann")
    linked = link_bank(ann.id)
    before = key_ids(database)
    with actor(ann.id):
        row = LinkSession.objects.get(state=linked["mark"])
    process = rotate(database, "--data", "--grace", str(grace))
    deadline = time.monotonic() + 60
    # The moment in which the row is under the new key and, without grace, the old one is gone.
    while before <= key_ids(database) and bytes(row.link_token) == stored(database, row) and time.monotonic() < deadline:
        time.sleep(0.02)
    if not grace:
        process.wait(60)
    keyring.forget_cached_keys()
    opened = False
    with suppress(keyring.DecryptionFailed), actor(ann.id):
        opened = bank_secrets.link_token_of(row) == f"link-{linked['mark']}"
    process.communicate(timeout=60)
    assert opened is bool(grace)
    assert key_ids(database).isdisjoint(before)


def stored(database: Database, row: LinkSession) -> bytes:
    return bytes(database.as_superuser("select link_token from banking_linksession where id = %s", [row.pk])[0][0])


# ------------------------------------------------------------------------------------- breaking off, and again
@pytest.mark.timeout(600)
def test_a_rotation_that_was_killed_goes_on_where_it_was(database, make_person):
    people = [make_person(f"person{number}") for number in range(16)]
    banks = [link_bank(person.id) for person in people]
    before = key_ids(database)

    def killed_once(reached: Callable[[set[int]], bool]) -> None:
        process = rotate(database, "--data", "--grace", "0")
        deadline = time.monotonic() + 60
        while not reached(key_ids(database)):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()
        process.communicate()
        for linked in banks:
            read_bank(linked)

    # Somebody in the middle holds an old key, so that no rotation can reach its end before it is killed.
    with slow_writer(people[8].id):
        killed_once(lambda keys: len(keys - before) >= 8)  # while new keys are made
        killed_once(lambda keys: len(before - keys) >= 4)  # while old ones are deleted
    rotated(database, "--data", "--grace", "0")
    assert key_ids(database).isdisjoint(before)
    assert len(key_ids(database)) == len(people)  # no key too many
    assert under_dead_keys(database) == []
    for linked in banks:
        read_bank(linked)
    assert database.as_superuser("select count(*) from core_keyrotation") == [(1,)]


def test_a_second_rotation_at_a_time_is_refused(database, make_person):
    make_person("ann")
    with database.role("worker"), rotation._exclusively():
        process = rotate(database, "--data", "--grace", "0")
        _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "another process is rotating" in err


def test_a_value_that_does_not_open_keeps_its_key_and_is_said(database, make_person):
    ann, ben = make_person("ann"), make_person("ben")
    before = key_ids(database)
    broken = "phone_cipher = substring(phone_cipher from 1 for octet_length(phone_cipher) - 1)"
    database.as_superuser(f"update users_user set {broken} where id = %s", [ann.id])
    process = rotate(database, "--data", "--grace", "0")
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "do not open" in err
    kept = database.as_superuser("select user_id from core_datakey where id = any(%s)", [list(before)])
    assert kept == [(ann.id,)]
    assert phone_hint(user_id=ben.id)


def test_only_the_worker_may_rotate(database):
    env = {**os.environ, "DATABASE_URL": database.url("web")}
    run = [sys.executable, "manage.py", "rotate_keys", "--data", "--grace", "0"]
    refused = subprocess.run(run, cwd=ROOT, env=env, text=True, capture_output=True, timeout=60)
    assert refused.returncode != 0
    assert "worker's database role" in refused.stderr


def test_nothing_is_sealed_outside_the_transaction_that_stores_it(database):
    with pytest.raises(RuntimeError, match="transaction"):
        keyring.encrypt_system("otp", "x.y", "1", "text")


def test_every_encrypted_column_of_the_database_is_known_to_rotation(database):
    """Whoever adds a bytea column says what it is: encrypted and registered, or none of it."""
    no_ciphertext = ("_index", "_hash", "request", "wrapped")
    # What is public, or hashes; the snapshot, which is sealed under its day's own key and ends with it; and a random number
    # that proves something for a millisecond, to whoever has the web role's log-in (decision 17).
    open_ones = {
        ("ledger_block", "previous"), ("ledger_block", "hash"), ("transparency_chainentry", "note"),
        ("transparency_chainentry", "checkpoint"), ("transparency_signingkey", "public"), ("transparency_enrolment", "who"),
        ("transparency_snapshot", "sealed"), ("compliance_stampkey", "secret"),
        ("console_trail", "previous"), ("console_trail", "hash"),
        ("console_trailanchor", "note"),
        ("banking_correction", "approved_digest"), ("console_keychallenge", "bound"), ("console_keychallenge", "challenge"),
        ("console_securitykey", "credential_id"), ("console_securitykey", "public_key"), ("console_invitation", "digest"),
    }  # fmt: skip
    found = database.as_superuser(
        "select table_name, column_name from information_schema.columns where table_schema = 'public' and data_type = 'bytea'"
    )
    unknown = {
        (table, column)
        for table, column in found
        if not column.endswith(no_ciphertext) and not table.startswith("core_idempotency") and (table, column) not in open_ones
    }
    known = {(column.table, column.column) for column in columns.all_columns()}
    assert (unknown - known, known - unknown) == (set(), set())


def test_every_process_knows_them_as_soon_as_it_is_up() -> None:
    """Also one that serves no page: what registers itself only when a page is imported would not be re-encrypted."""
    up = (
        "import django; django.setup(); from core.keyring import columns;"
        "print(*(one.table + '.' + one.column for one in columns.all_columns()))"
    )
    done = subprocess.run([sys.executable, "-c", up], capture_output=True, text=True, check=True)
    here = {f"{one.table}.{one.column}" for one in columns.all_columns()}
    assert "banking_bankitem.access_token" in here and set(done.stdout.split()) == here


def test_the_worker_alone_sees_rotations(database):
    with database.role("web"), pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("select * from core_keyrotation")
    with database.role("worker"), actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select * from core_keyrotation")
