"""A person's wallet: who may do what with it, what settles and comes back, and what its owner is told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg2
import pytest
from django.db import DatabaseError

from core.actor import SYSTEM, actor
from core.errors import AccountFrozen, IdempotencyInProgress, InsufficientFunds
from core.ids import new_reference
from ledger import audit
from ledger import queries as ledger
from ledger import services as ledger_services
from ledger.chart import Account
from tests.conftest import Database, PersonForTest
from tests.helpers import Api, assert_problem, at_once
from tests.payments.people import mint, person
from wallets import queries, services
from wallets.errors import NotYours, OwesMoney
from wallets.services import Freeze, Guarded


def state(one: PersonForTest) -> Guarded:
    with actor(one.id):
        return queries.wallet(one.id)


def as_worker(database: Database, call: Any, **arguments: Any) -> Any:
    with database.role("worker"), actor(SYSTEM):
        return call(**arguments)


# --------------------------------------------------------------------------------------------------------- opening
def test_a_person_has_one_wallet_of_three_accounts_from_the_start(database: Database):
    one = person(database)
    before = state(one)
    assert len({before.account, before.hold_account, before.receivable_account}) == 3
    assert (before.available, before.held, before.owed, before.pending_in, before.pending_out) == (0, 0, 0, 0, 0)
    with actor(one.id):
        services.open_wallet(one.id)
    assert state(one) == before


# ----------------------------------------------------------------------------------------------------- whose it is
def test_nobody_reaches_into_somebody_elses_wallet(database: Database):
    mine, other = person(database, 1000), person(database, 1000)
    calls = [
        lambda: queries.wallet(other.id),
        lambda: queries.activity(other.id),
        lambda: queries.balance_at(other.id, datetime.now(UTC)),
        lambda: services.guard(user_id=other.id),
        lambda: services.add_pending(user_id=other.id, pending_in=5),
        lambda: services.burn(user_id=other.id, reference=new_reference(), amount=5),
        lambda: services.open_wallet(other.id),
    ]
    for call in calls:
        with pytest.raises(NotYours), actor(mine.id):
            call()
        with pytest.raises(NotYours), actor(SYSTEM):  # the web role is nobody's system
            call()
        with pytest.raises(DatabaseError, match="no actor"):
            call()
    assert state(other).available == 1000


def test_the_web_role_makes_no_money(database: Database):
    mine = person(database)
    reference = new_reference()
    for call in (services.mint, services.claw_back):
        with pytest.raises(DatabaseError, match="permission denied"), actor(mine.id):
            call(user_id=mine.id, reference=reference, amount=5)
    with pytest.raises(DatabaseError, match="permission denied"):
        services.freeze(user_id=mine.id, level=Freeze.NONE, reason="")
    with pytest.raises(DatabaseError, match="permission denied"), actor(mine.id):
        services.settle_redemption(reference=reference, amount=5)


# ------------------------------------------------------------------------------------------ loads and redemptions
def test_a_load_settles_once_however_often_it_is_told(database: Database):
    one, reference = person(database), new_reference()
    for _ in range(3):
        assert as_worker(database, services.mint, user_id=one.id, reference=reference, amount=500) == 0
    assert state(one).available == 500


def test_a_redemption_burns_at_once_and_settles_or_comes_back(database: Database):
    one = person(database, 1000)
    payable = ledger_balance(database, Account.REDEMPTIONS_PAYABLE)
    reference = new_reference()
    with actor(one.id):
        services.burn(user_id=one.id, reference=reference, amount=700)
        services.burn(user_id=one.id, reference=reference, amount=700)
    assert state(one).available == 300
    assert ledger_balance(database, Account.REDEMPTIONS_PAYABLE) == payable + 700
    with pytest.raises(InsufficientFunds), actor(one.id):
        services.burn(user_id=one.id, reference=new_reference(), amount=301)

    back = new_reference()
    for _ in range(2):
        as_worker(database, services.return_tokens, user_id=one.id, reference=back, amount=200)
    as_worker(database, services.settle_redemption, reference=new_reference(), amount=500)
    assert state(one).available == 500
    assert ledger_balance(database, Account.REDEMPTIONS_PAYABLE) == payable


def ledger_balance(database: Database, account: int) -> int:
    with database.role("worker"):
        return ledger.balance(account)


def test_a_late_return_is_owed_stops_redeeming_and_is_repaid_first(database: Database):
    one = person(database, 1000)
    with actor(one.id):
        services.burn(user_id=one.id, reference=new_reference(), amount=900)
    returned = new_reference()
    for _ in range(2):
        assert as_worker(database, services.claw_back, user_id=one.id, reference=returned, amount=1000) == 900
    assert (state(one).available, state(one).owed) == (0, 900)
    loaded = new_reference()
    for _ in range(2):
        assert as_worker(database, services.mint, user_id=one.id, reference=loaded, amount=600) == 600
    with pytest.raises(OwesMoney), actor(one.id):
        services.burn(user_id=one.id, reference=new_reference(), amount=1)
    assert as_worker(database, services.mint, user_id=one.id, reference=new_reference(), amount=600) == 300
    assert (state(one).available, state(one).owed) == (300, 0)
    with actor(one.id):
        services.burn(user_id=one.id, reference=new_reference(), amount=300)


def test_frozen_people_keep_what_comes_back(database: Database):
    one = person(database, 1000)
    with actor(one.id):
        services.burn(user_id=one.id, reference=new_reference(), amount=400)
    with database.role("worker"):
        services.freeze(user_id=one.id, level=Freeze.ALL, reason="A question.")
    assert (state(one).frozen, state(one).frozen_reason) == (Freeze.ALL, "A question.")
    with pytest.raises(AccountFrozen), actor(one.id):
        services.burn(user_id=one.id, reference=new_reference(), amount=1)
    as_worker(database, services.return_tokens, user_id=one.id, reference=new_reference(), amount=400)
    mint(database, one.id, 50)
    assert state(one).available == 1050


def test_what_comes_back_to_a_closed_wallet_waits_in_suspense(database: Database):
    one = person(database, 400)
    with actor(one.id):
        services.burn(user_id=one.id, reference=new_reference(), amount=400)
    before = ledger_balance(database, Account.SUSPENSE)
    with database.role("worker"):
        ledger_services.close(account=state_as_worker(one).account)
    as_worker(database, services.return_tokens, user_id=one.id, reference=new_reference(), amount=400)
    assert ledger_balance(database, Account.SUSPENSE) == before + 400


def state_as_worker(one: PersonForTest) -> Guarded:
    with actor(SYSTEM):
        return queries.wallet(one.id)


def test_pending_never_goes_below_zero(database: Database):
    one = person(database)
    with actor(one.id):
        services.add_pending(user_id=one.id, pending_in=100)
        services.add_pending(user_id=one.id, pending_in=-100)
    with pytest.raises(DatabaseError, match="wallet_pending_not_negative"), actor(one.id):
        services.add_pending(user_id=one.id, pending_out=-1)


# ----------------------------------------------------------------------------------------------------------- guard
def test_a_guard_that_stays_taken_is_an_answer_and_no_queue(database: Database):
    one = person(database, 1000)
    holder = psycopg2.connect(database.url("web"))
    try:
        with holder.cursor() as cursor:
            cursor.execute("select set_config('paya.actor', %s, true)", [str(one.id)])
            cursor.execute("select * from wallets_guard(%s)", [one.id])
        with pytest.raises(IdempotencyInProgress), actor(one.id):
            services.guard(user_id=one.id)
        body = {"to": "somebody", "amount": 1, "visibility": "public"}
        problem = Api().post("/v1/payments", body, person=one, key="k")
        assert_problem(problem, 409, "idempotency_in_progress")
        assert problem["Retry-After"] == "1"
        assert Api().get("/v1/wallet", person=one).status_code == 200  # reading waits for nobody
    finally:
        holder.close()


def test_guarded_decisions_follow_one_another(database: Database):
    one = person(database, 1000)

    def spend_all_if_there(_: int) -> bool:
        with actor(one.id):
            there = services.guard(user_id=one.id).available
            if there:
                services.burn(user_id=one.id, reference=new_reference(), amount=there)
            return bool(there)

    assert sorted(at_once(10, spend_all_if_there)) == [False] * 9 + [True]


# ------------------------------------------------------------------------------------------------------------- API
def test_the_wallet_in_the_api(database: Database):
    one = person(database, 12_345)
    with actor(one.id):
        services.add_pending(user_id=one.id, pending_in=7, pending_out=9)
    answer = Api().get("/v1/wallet", person=one).json()
    assert answer == {
        "id": state(one).wallet_id, "currency": "USD",
        "balance": {"available": 12_345, "pending_in": 7, "pending_out": 9, "held": 0},
    }  # fmt: skip


def test_activity_pages_without_gap_and_its_running_balance_adds_up(database: Database):
    one, other = person(database, 1000), person(database, 1000)
    for turn in range(7):
        payer, payee = (one, other) if turn % 2 else (other, one)
        body = {"to": payee.username, "amount": 10 + turn, "visibility": "private"}
        assert Api().post("/v1/payments", body, person=payer, key=str(uuid4())).status_code == 201
    rows: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = Api().get(f"/v1/wallet/transactions?limit=3{cursor and '&cursor=' + cursor}", person=one).json()
        rows += page["data"]
        cursor = page["next_cursor"]
    assert len(rows) == 8 == len({row["id"] for row in rows})
    running = 0
    for row in reversed(rows):
        running += row["amount"]
        assert row["balance_after"] == running
    assert running == Api().get("/v1/wallet", person=one).json()["balance"]["available"]


def test_the_balance_at_a_past_time(database: Database):
    one, other = person(database, 1000), person(database)
    body = {"to": other.username, "amount": 300, "visibility": "private"}
    at = datetime.fromisoformat(Api().post("/v1/payments", body, person=one, key="k").json()["created_at"])

    def available(moment: datetime | str) -> int:
        text = moment if isinstance(moment, str) else moment.isoformat()
        return int(Api().get(f"/v1/wallet/balance?at={quote(text)}", person=one).json()["available"])

    tick = timedelta(microseconds=1)
    assert (available(at - tick), available(at), available(at + tick)) == (1000, 700, 700)
    assert available("1999-01-01T00:00:00Z") == 0
    assert available("2999-01-01T00:00:00+05:30") == 700
    for wrong in ("", "yesterday", "2026-11-21", "2026-11-21T12:00:00", "0001-01-01T00:00:00+23:00", "9" * 300):
        assert_problem(Api().get(f"/v1/wallet/balance?at={quote(wrong)}", person=one), 400, "validation_error")


def test_after_all_of_it_the_books_are_whole(database: Database):
    with database.role("auditor"):
        assert [finding for finding in audit.audit()[0] if finding.kind == "corruption"] == []
