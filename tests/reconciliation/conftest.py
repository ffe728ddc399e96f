"""Books and statements as rows: what a custodian says is said here line by line, so that each kind of mismatch can be."""

import itertools
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import override_settings

from banking import rails
from banking.models import Break, Reconciliation, Statement
from banking.reconciliation import rules, services, store
from banking.services.secrets import source_index
from banking.statements import Line
from banking.statements import Statement as Read
from core import resilience
from core.actor import SYSTEM, actor
from ledger import services as ledger
from ledger.chart import RESERVES, Account, Kind
from ledger.services import Posting
from tests.banking.sandbox import Bank, running
from tests.conftest import Database, MakePerson
from wallets import services as wallets

WAY = {
    "requested": "", "submitted": "submitted", "unknown": "submitted unknown", "pending": "submitted pending",
    "settled": "submitted pending settled", "failed": "submitted pending failed", "cancelled": "submitted pending cancelled",
    "returned": "submitted pending settled returned",
}  # fmt: skip
_TRANSFER = """
    insert into banking_banktransfer (public_id, user_id, bank_account_id, kind, amount, rail, status, rail_key, expected_on,
        attempts, failure_code) values (%s, %s, %s, %s, %s, %s, 'requested', %s, current_date, 0, '') returning id
"""
_STEP = "update banking_banktransfer set status = %s, external_id = coalesce(%s, external_id) where id = %s"
_MOVE = "insert into banking_transfermove (user_id, transfer_id, status, cause, evidence) values (%s, %s, %s, 'test', '{}')"
_SOURCE = (
    "insert into banking_banksource (user_id, public_id, account_id, rail, source, source_index) values (%s, %s, %s, %s, 's', %s)"
)


@dataclass(frozen=True)
class Ours:
    """A transfer of ours, and the line that an honest custodian would have for it."""

    public_id: str
    key: UUID
    external: str
    load: bool
    amount: int
    bank: str

    @property
    def signed(self) -> int:
        return self.amount if self.load else -self.amount

    def line(self, **changes: Any) -> Line:
        return replace(
            Line(
                id=self.external, on=None, kind="transfer", amount=self.signed, reference=str(self.key), transfer=self.external,
                account=self.bank,
            ),
            **changes,
        )  # fmt: skip


@dataclass
class Books:
    """One custodian, one person with a bank, and what both sides have."""

    database: Database
    person: Any
    account: int
    custodian: str = "dwolla"
    lines: list[Line] = field(default_factory=list)
    said: dict[str, int] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def transfer(self, status: str = "settled", *, load: bool = True, amount: int = 50_00, posted: bool | None = None) -> Ours:
        """A transfer of ours as it stands, with what the ledger has of it, and its honest line on the statement."""
        number = next(self.numbers)
        ours = Ours(
            f"{'ld' if load else 'rd'}_{number}", uuid.uuid4(), f"ext-{number}", load, amount, f"bank-of-{self.custodian}"
        )
        sql, kind = self.database.as_superuser, "load" if load else "redemption"
        values = [ours.public_id, self.person.id, self.account, kind, amount, self.custodian, str(ours.key)]
        ((row,),) = sql(_TRANSFER, values)
        for step in ("requested", *WAY[status].split()):
            if step != "requested":
                sql(_STEP, [step, ours.external if step == "pending" else None, row])
            sql(_MOVE, [self.person.id, row, step])
        if status in ("settled", "returned") if posted is None else posted:
            self.post(ours)
            if status == "returned":
                self.post(ours, back=True)
        return ours

    def post(self, ours: Ours, *, amount: int | None = None, name: str = "", back: bool = False) -> None:
        """What the ledger has of a transfer."""
        reserve, amount = RESERVES[self.custodian], ours.amount if amount is None else amount
        wallet = self.wallet()
        kind, debit, credit = (
            (Kind.LOAD, reserve, wallet) if ours.load else (Kind.REDEMPTION_SETTLED, Account.REDEMPTIONS_PAYABLE, reserve)
        )
        if back:
            kind, debit, credit = Kind.LOAD_RETURNED, wallet, reserve
        with self.database.role("worker"), actor(SYSTEM):
            if not ours.load:
                ledger.post(Posting(uuid.uuid4(), Kind.REDEMPTION, wallet, Account.REDEMPTIONS_PAYABLE, amount))
            ledger.post(Posting(uuid.uuid5(ours.key, f"{kind}{name}"), kind, debit, credit, amount), group=ours.key)

    def wallet(self) -> int:
        with self.database.role("worker"), actor(SYSTEM):
            return wallets.guard(user_id=self.person.id).account

    def honest(self, status: str = "settled", **more: Any) -> Ours:
        """A transfer on which all three sides agree."""
        ours = self.transfer(status, **more)
        if status == "settled":
            self.lines.append(ours.line())
        elif status == "pending":
            self.lines.append(ours.line(state="pending", effect=0 if ours.load else None))
        elif status == "returned":
            self.lines += [ours.line(state="failed", effect=0)]
        return ours

    def say(self, *lines: Line, closing: int | None = None, **more: Any) -> Statement:
        """A statement with these lines besides the honest ones; its balance is the sum of all so far unless it is another."""
        every = [*self.lines, *lines]
        self.said |= {line.id: line.booked for line in every}
        balance = sum(self.said.values()) if closing is None else closing
        with self.database.role("worker"):
            asked = more.pop("asked", None)
            read = Read(self.custodian, None, more.pop("opening", None), balance, tuple(every), complete=True, **more)
            return store.keep(read, origin="rail", asked=asked)

    def asked(self) -> store.Asked:
        """For everything, now."""
        ((at,),) = self.database.as_superuser("select core_now()")
        return store.Asked(None, at)

    def reconcile(self) -> Reconciliation:
        with self.database.role("worker"):
            return services.reconcile(custodian=self.custodian)

    def breaks(self) -> list[tuple[str, str]]:
        """Kind and subject of the breaks that are open."""
        rows = self.database.as_superuser("select kind, subject from banking_break where state = 'open' order by id")
        return [(str(kind), str(subject)) for kind, subject in rows]

    def open_break(self) -> Break:
        with self.database.role("worker"), actor(SYSTEM):
            return Break.objects.get(state="open")

    def journal(self) -> list[tuple[str, int]]:
        """What was booked from statements, oldest first."""
        rows = self.database.as_superuser(
            "select k.name, t.amount from ledger_transfer t join ledger_transferkind k using (kind)"
            " where t.kind in (14, 16, 17, 18, 21, 22) order by t.posted_at"
        )
        return [(str(name), int(amount)) for name, amount in rows]


@pytest.fixture
def books(database: Database, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Nobody is asked over a network: what the custodian says is what the test said last. And nothing is young."""
    person = make_person("maya")
    sql = database.as_superuser
    ((item,),) = sql(
        "insert into banking_bankitem (user_id, public_id, token_index, institution_id, institution, status)"
        " values (%s, 'itm_1', 'i', 'ins_1', 'Tartan Bank', 'active') returning id", [person.id])  # fmt: skip
    ((account,),) = sql(
        "insert into banking_bankaccount (user_id, public_id, item_id, account_id, name, mask, kind, status)"
        " values (%s, 'ba_1', %s, 'a', 'Checking', '4772', 'checking', 'active') returning id", [person.id, item])  # fmt: skip
    for rail in RESERVES:
        sql(_SOURCE, [person.id, f"src_{rail}", account, rail, source_index(rail, f"bank-of-{rail}")])
    monkeypatch.setattr(store, "take", lambda custodian: None)
    monkeypatch.setattr(rules, "PATIENCE", dict.fromkeys(RESERVES, timedelta(0)))
    with database.role("worker"), actor(SYSTEM):
        ledger.post(Posting(uuid.uuid4(), Kind.LOAD, RESERVES["odfi"], wallets.guard(user_id=person.id).account, 10_000_00))
    return Books(database, person, account)


@contextmanager
def without(name: str) -> Iterator[None]:
    """The matcher with every comparison of one kind taken out."""
    kept = rules.CERTAIN[:], rules.WAITING[:]
    for table in (rules.CERTAIN, rules.WAITING):
        table[:] = [rule for rule in table if rule[0] != name]
    try:
        yield
    finally:
        rules.CERTAIN[:], rules.WAITING[:] = kept


@pytest.fixture
def bank(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[Bank]:
    """A sandbox of one's own: its vendors have had no other customers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("PAYA_SANDBOX_URL", url)
    monkeypatch.setenv("PAYA_SANDBOX_PORT", str(port))
    resilience.forget_failures()
    vendors = {f"{vendor.upper()}_BASE_URL": f"{url}/{vendor}" for vendor in ("dwolla", "plaid", "stripe")}
    with override_settings(SANDBOX_URL=url, **vendors), running(tmp_path) as own:
        _forget()
        own.reset()
        yield own
    _forget()


def _forget() -> None:
    from banking import plaid

    rails.dwolla.cache_clear()
    rails._stripe.cache_clear()
    for name in ("client", "_client", "api", "_api"):
        if hasattr(getattr(plaid, name, None), "cache_clear"):
            getattr(plaid, name).cache_clear()


def open_breaks(database: Database) -> list[tuple[str, int]]:
    rows = database.as_superuser("select kind, cents from banking_break where state = 'open' order by kind")
    return [(str(kind), int(cents)) for kind, cents in rows]
