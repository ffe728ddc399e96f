"""A few hundred random steps against a plain Python model of the books."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test

from core.errors import AccountFrozen, InsufficientFunds, PayaError
from core.ids import new_reference
from ledger import queries, services
from ledger.chart import Account, Kind, Personal, Status
from ledger.errors import AccountClosed, AccountNotEmpty, AlreadyReversed, BatchRefused, RecipientFrozen
from ledger.services import Posting
from tests.conftest import Database
from tests.ledger.books import findings

RESERVE = int(Account.RESERVE_DWOLLA)


@dataclass
class Modelled:
    balance: int = 0
    status: Status = Status.OPEN
    entries: list[int] = field(default_factory=list)


class Model:
    """What the ledger should do, without a database: the reserve is an account without a floor."""

    def __init__(self) -> None:
        self.accounts: dict[int, Modelled] = {}
        self.posted: dict[UUID, Posting] = {}
        self.reversed: set[UUID] = set()

    def refusal(self, p: Posting, *, always: bool) -> type[PayaError] | None:
        """Looked at in the order in which the engine takes its locks: the higher account first."""
        checks = {p.debit: self._debit, p.credit: self._credit}
        for one in sorted(checks, reverse=True):
            if one != RESERVE and (refused := checks[one](self.accounts[one], p.amount, always)):
                return refused
        return None

    def _debit(self, one: Modelled, amount: int, always: bool) -> type[PayaError] | None:
        if one.status is Status.CLOSED:
            return AccountClosed
        if one.status is not Status.OPEN and not always:
            return AccountFrozen
        return InsufficientFunds if one.balance < amount else None

    def _credit(self, one: Modelled, amount: int, always: bool) -> type[PayaError] | None:
        if one.status is Status.CLOSED:
            return AccountClosed
        return RecipientFrozen if one.status is Status.FROZEN and not always else None

    def apply(self, p: Posting) -> None:
        for one, amount in ((p.debit, -p.amount), (p.credit, p.amount)):
            if one != RESERVE:
                self.accounts[one].balance += amount
                self.accounts[one].entries.append(amount)
        self.posted[p.reference] = p


class Books(RuleBasedStateMachine):
    database: Database
    accounts: Bundle[int] = Bundle("accounts")
    transfers: Bundle[Posting] = Bundle("transfers")
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    @rule(target=accounts, money=st.integers(0, 300))
    def open(self, money: int) -> int:
        account = services.open_accounts([Personal.WALLET])[0]
        self.model.accounts[account] = Modelled()
        if money:
            load = Posting(new_reference(), Kind.LOAD, RESERVE, account, money)
            services.post(load)
            self.model.apply(load)
        return account

    @rule(target=transfers, debit=accounts, credit=accounts, amount=st.integers(1, 200))
    def pay(self, debit: int, credit: int, amount: int):  # type: ignore[no-untyped-def]
        if debit == credit:
            return multiple()
        return self._post(Posting(new_reference(), Kind.PAYMENT, debit, credit, amount), always=False)

    @rule(target=transfers, account=accounts, amount=st.integers(1, 200), out=st.booleans())
    def load_or_return(self, account: int, amount: int, out: bool):  # type: ignore[no-untyped-def]
        kind, debit, credit = (Kind.LOAD_RETURNED, account, RESERVE) if out else (Kind.LOAD, RESERVE, account)
        return self._post(Posting(new_reference(), kind, debit, credit, amount), always=True)

    def _post(self, posting: Posting, *, always: bool):  # type: ignore[no-untyped-def]
        Books.steps += 1
        expected = self.model.refusal(posting, always=always)
        assert _outcome(lambda: services.post(posting)) == expected
        if expected:
            return multiple()
        self.model.apply(posting)
        return posting

    @rule(data=st.data(), rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 150)), max_size=6))
    def pay_many(self, data: st.DataObject, rows: list[tuple[int, int, int]]) -> None:
        Books.steps += 1
        known = list(self.model.accounts)
        batch = [
            Posting(new_reference(), Kind.PAYMENT, known[d % len(known)], known[c % len(known)], amount)
            for d, c, amount in rows
            if known and d % len(known) != c % len(known)
        ]
        trial = Model()
        trial.accounts = {key: Modelled(one.balance, one.status) for key, one in self.model.accounts.items()}
        for posting in batch:
            if trial.refusal(posting, always=False):
                with pytest.raises(BatchRefused) as refusal:
                    services.post_many(batch)
                assert refusal.value.reference == str(posting.reference)
                return
            trial.apply(posting)
        assert services.post_many(batch) == len(batch)
        for posting in batch:
            self.model.apply(posting)

    @rule(transfer=transfers)
    def replay(self, transfer: Posting) -> None:
        Books.steps += 1
        assert services.post(transfer).id == transfer.reference

    @rule(original=transfers)
    def reverse(self, original: Posting) -> None:
        Books.steps += 1
        back = Posting(new_reference(), Kind.REVERSAL, original.credit, original.debit, original.amount)
        expected = AlreadyReversed if original.reference in self.model.reversed else self.model.refusal(back, always=True)
        assert _outcome(lambda: services.reverse(reference=back.reference, original=original.reference)) == expected
        if expected is None:
            self.model.apply(back)
            self.model.reversed.add(original.reference)

    @rule(account=accounts, status=st.sampled_from([Status.OPEN, Status.NO_DEBITS, Status.FROZEN]))
    def freeze(self, account: int, status: Status) -> None:
        Books.steps += 1
        one = self.model.accounts[account]
        expected = AccountClosed if one.status is Status.CLOSED else None
        assert _outcome(lambda: services.set_status(account=account, status=status)) == expected
        if expected is None:
            one.status = status

    @rule(account=consumes(accounts))
    def close(self, account: int) -> None:
        Books.steps += 1
        one = self.model.accounts[account]
        expected = AccountNotEmpty if one.balance and one.status is not Status.CLOSED else None
        assert _outcome(lambda: services.close(account=account)) == expected
        if expected is None:
            one.status = Status.CLOSED

    def teardown(self) -> None:
        for account, one in self.model.accounts.items():
            assert queries.balance(account) == one.balance
            assert [entry.amount for entry in reversed(queries.history(account, limit=1000))] == one.entries
        corrupt = [found for found in findings(self.database) if found.kind == "corruption"]
        assert corrupt == []


def _outcome(act) -> type[Exception] | None:  # type: ignore[no-untyped-def]
    try:
        act()
    except PayaError as error:
        return type(error)
    return None


def test_the_ledger_does_what_the_model_does(database: Database):
    Books.database, Books.steps = database, 0
    run_state_machine_as_test(
        Books,
        settings=settings(max_examples=8, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)),
    )
    assert Books.steps > 100
