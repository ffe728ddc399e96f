"""Paying through the API: what goes through, what is refused, and who gets to see it."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection

from core import idempotency
from core.actor import SYSTEM, actor
from core.ids import new_id, new_reference
from payments import rules
from tests.conftest import Database, PersonForTest
from tests.helpers import Api, assert_problem, at_once, changed, relay_all
from tests.payments.people import browser, mint, person
from wallets import queries as wallets
from wallets import services as wallet_services
from wallets.services import Freeze


def pay(payer: PersonForTest, payee: Any, amount: Any = 100, *, key: str | None = "", **more: Any) -> Any:
    to = f"@{payee.username}" if isinstance(payee, PersonForTest) else payee
    body = {"to": to, "amount": amount, "visibility": "public", **more}
    return Api().post("/v1/payments", body, person=payer, key=str(uuid4()) if key == "" else key)


def pay_patiently(*call: Any, **more: Any) -> Any:
    """As a client would: an answer "still working on it" (a guard taken for 2 s, on a busy machine) is asked again."""
    for _ in range(30):
        answer = pay(*call, **more)
        if answer.status_code != 409:
            return answer
    raise AssertionError("still working on it after a minute")


def balance(one: PersonForTest) -> int:
    with actor(one.id):
        return wallets.wallet(one.id).available


@pytest.fixture(scope="module")
def pair(database: Database) -> tuple[PersonForTest, PersonForTest]:
    return person(database, 1_000_000), person(database)


def test_a_payment_moves_the_money_at_once_and_both_see_it(database: Database):
    ann, bob = person(database, 5000, name="Ann Ame"), person(database, name="Bob Bee")
    answer = pay(ann, bob, 1234, note="for lunch")
    assert answer.status_code == 201
    body = answer.json()
    assert body["from"] == {"username": ann.username, "display_name": "Ann Ame"}
    assert body["to"] == {"username": bob.username, "display_name": "Bob Bee"}
    assert (body["amount"], body["currency"], body["note"]) == (1234, "USD", "for lunch")
    assert (body["visibility"], body["status"]) == ("public", "completed")
    assert (balance(ann), balance(bob)) == (3766, 1234)
    for one, signed, left in ((ann, -1234, 3766), (bob, 1234, 1234)):
        assert Api().get(f"/v1/payments/{body['id']}", person=one).json() == body
        assert Api().get("/v1/payments", person=one).json()["data"] == [body]
        newest = Api().get("/v1/wallet/transactions", person=one).json()["data"][0]
        assert (newest["amount"], newest["balance_after"], newest["reference"]) == (signed, left, body["id"])
        assert newest["counterparty"]["username"] == (bob if one is ann else ann).username


def test_names_are_found_whatever_their_case_and_without_the_at(pair):
    payer, payee = pair
    for to in (payee.username.upper(), f"@{payee.username.title()}", payee.username):
        assert pay(payer, to, 1).status_code == 201


REFUSED = [
    ({"amount": 0}, 400, "validation_error"),
    ({"amount": -1}, 400, "validation_error"),
    ({"amount": 1.0}, 400, "validation_error"),
    ({"amount": 0.5}, 400, "validation_error"),
    ({"amount": "100"}, 400, "validation_error"),
    ({"amount": True}, 400, "validation_error"),
    ({"amount": None}, 400, "validation_error"),
    ({"amount": [100]}, 400, "validation_error"),
    ({"amount": 100_000_000_001}, 400, "validation_error"),
    ({"amount": 2**63}, 400, "validation_error"),
    ({"amount": 10**400}, 400, "validation_error"),
    ({"amount": 100_000_000_000}, 402, "insufficient_funds"),
    ({"amount": 1_000_001_00}, 402, "insufficient_funds"),
    ({"to": "@nobody_at_all"}, 404, "unknown_payee"),
    ({"to": ""}, 400, "validation_error"),
    ({"to": 5}, 400, "validation_error"),
    ({"to": "a'; drop table users_user; --"}, 404, "unknown_payee"),
    ({"visibility": "friends"}, 400, "validation_error"),
    ({"visibility": None}, 400, "validation_error"),
    ({"note": 5}, 400, "validation_error"),
    ({"note": "x" * 201}, 400, "validation_error"),
    ({"note": "two\nlines"}, 400, "validation_error"),
    ({"note": "nul\x00"}, 400, "validation_error"),
    ({"note": "turned \u202e round"}, 400, "validation_error"),
]


@pytest.mark.parametrize(("change", "status", "code"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_refused_moves_nothing(pair, database: Database, change, status, code):
    payer, payee = pair
    before = balance(payer), balance(payee), _payments(database)
    body = {"to": f"@{payee.username}", "amount": 100, "visibility": "public", **change}
    problem = assert_problem(Api().post("/v1/payments", body, person=payer, key=str(uuid4())), status, code)
    if status == 400:
        assert set(problem["errors"]) == set(change)
    assert (balance(payer), balance(payee), _payments(database)) == before


def _payments(database: Database) -> int:
    return int(database.as_superuser("select count(*) from payments_payment")[0][0])


def test_nobody_pays_themself_nor_before_they_have_a_name(pair, database: Database):
    payer, payee = pair
    assert_problem(pay(payer, payer), 400, "paying_oneself")
    assert_problem(pay(payer, payer.username.upper()), 400, "paying_oneself")
    nameless = person(database, 500, username=None)
    assert_problem(pay(nameless, payee), 409, "no_username")
    assert balance(nameless) == 500


def test_the_last_cent_goes_and_one_more_does_not(database: Database, pair):
    poor = person(database, 777)
    problem = assert_problem(pay(poor, pair[1], 778), 402, "insufficient_funds")
    assert problem["available"] == 777
    assert pay(poor, pair[1], 777).status_code == 201
    assert balance(poor) == 0
    assert_problem(pay(poor, pair[1], 1), 402, "insufficient_funds")


def freeze(database: Database, one: PersonForTest, level: Freeze) -> None:
    with database.role("worker"):
        wallet_services.freeze(user_id=one.id, level=level, reason="We are looking into something.")


def test_frozen_people(database: Database):
    ann, bob = person(database, 1000), person(database, 1000)
    freeze(database, ann, Freeze.SENDING)
    problem = assert_problem(pay(ann, bob), 403, "account_frozen")
    assert problem["reason"] == "We are looking into something."
    assert pay(bob, ann).status_code == 201
    freeze(database, ann, Freeze.ALL)
    assert_problem(pay(ann, bob), 403, "account_frozen")
    problem = assert_problem(pay(bob, ann), 403, "account_frozen")
    # That somebody is frozen, and why, is their own business. (The code is the contract's, and the same for whoever has left.)
    assert (problem["title"], problem["errors"]) == ("This person cannot be paid", {"to": problem["detail"]})
    assert "looking into" not in str(problem) and "frozen" not in problem["title"] + problem["detail"]
    form = browser(bob).get("/pay/payee", {"to": ann.username}).content.decode()
    assert f"@{ann.username} cannot be paid" in form and "Person" not in form
    freeze(database, ann, Freeze.NONE)
    assert pay(ann, bob).status_code == 201


def test_a_freeze_holds_in_the_ledger_even_when_the_rules_do_not_look(database: Database, monkeypatch: pytest.MonkeyPatch):
    ann, bob = person(database, 1000), person(database, 1000)
    freeze(database, ann, Freeze.SENDING)
    monkeypatch.setattr(rules, "decide", lambda facts: None)
    assert_problem(pay(ann, bob), 403, "account_frozen")
    freeze(database, ann, Freeze.ALL)
    assert assert_problem(pay(bob, ann), 403, "account_frozen")["title"] == "This person cannot be paid"
    assert_problem(pay(bob, bob.username), 400, "posting_refused")
    freeze(database, ann, Freeze.SENDING)
    assert_problem(pay(bob, ann, 1001), 402, "insufficient_funds")
    assert (balance(ann), balance(bob)) == (1000, 1000)


# ---------------------------------------------------------------------------------------------------------- notes
@pytest.mark.parametrize(
    "note",
    [
        "",
        "dinner 🍝 and a movie 🎬",
        "👩‍👩‍👧‍👦" * 28,
        "ありがとう、昨日は楽しかった！",
        "شكرا على العشاء",
        "תודה רבה",
        "Grüße, œuvre, Ångström, naïve",
        "ขอบคุณมาก",
        "हिन्दी में धन्यवाद",
        "<script>alert(1)</script> & 'quotes' \"too\" %s {x}",
        "é" * 200,
        "🎉" * 200,
    ],
    ids=lambda note: note[:12],
)
def test_a_note_in_any_language_comes_back_as_it_was_written(pair, note):
    payer, payee = pair
    answer = pay(payer, payee, 1, note=note)
    assert answer.status_code == 201, answer.content
    assert Api().get(f"/v1/payments/{answer.json()['id']}", person=payee).json()["note"] == note


def test_without_a_note_it_is_empty(pair):
    assert pay(*pair, 1).json()["note"] == ""


# ----------------------------------------------------------------------------------------------------------- keys
@pytest.mark.parametrize("key", [None, "", "x" * 256, "käse", "tab\tkey"])
def test_no_key_no_payment(pair, key):
    payer, payee = pair
    before = balance(payer)
    body = {"to": payee.username, "amount": 1, "visibility": "public"}
    response = Api().client.post(
        "/v1/payments", body, content_type="application/json",
        headers=payer.headers | ({} if key is None else {"Idempotency-Key": key}),
    )  # fmt: skip
    assert_problem(response, 400, "idempotency_key_required")
    assert balance(payer) == before


def test_a_key_again_is_the_same_answer_and_no_second_payment(database: Database, pair):
    payer, payee = person(database, 1000), pair[1]
    first = pay(payer, payee, 600, key="~ once !")
    assert pay(payer, payee, 600, key="~ once !").content == first.content
    assert balance(payer) == 400
    for change in ({"amount": 601}, {"note": "x"}, {"visibility": "private"}, {"to": "somebody_else"}):
        body = {"to": f"@{payee.username}", "amount": 600, "visibility": "public", **change}
        assert_problem(Api().post("/v1/payments", body, person=payer, key="~ once !"), 422, "idempotency_key_reused")
    # Though the money is gone and the account is frozen, what was done stays answered.
    pay(payer, payee, 400)
    freeze(database, payer, Freeze.ALL)
    assert pay(payer, payee, 600, key="~ once !").content == first.content


def test_a_refused_payment_does_not_use_up_its_key(database: Database, pair):
    payer, payee = person(database, 10), pair[1]
    assert_problem(pay(payer, payee, 600, key="later"), 402, "insufficient_funds")
    mint(database, payer.id, 590)
    assert pay(payer, payee, 600, key="later").status_code == 201


def test_a_key_is_its_persons_own(database: Database, pair):
    ann, bob = person(database, 100), person(database, 100)
    first, second = (pay(one, pair[1], 100, key="shared") for one in (ann, bob))
    assert first.json()["id"] != second.json()["id"]


def test_fifty_at_once_with_one_key_are_one_payment_and_one_answer(database: Database, pair):
    payer = person(database, 10_000)
    answers = at_once(50, lambda _: pay_patiently(payer, pair[1], 100, key="fifty"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert balance(payer) == 9_900
    assert database.as_superuser("select count(*) from core_idempotency where user_id = %s", [payer.id]) == [(1,)]


def test_the_test_above_would_notice(database: Database, pair):
    """The control: the same fifty (well, ten) when the key is not looked up, and is not unique either."""
    payer = person(database, 10_000)
    try:
        with changed(database, (BEGIN, "i.key = p_key", "i.key = p_key and false")):
            answers = at_once(10, lambda _: pay_patiently(payer, pair[1], 100, key="ten"))
            assert sorted(answer.status_code for answer in answers) == [201] + [500] * 9
            database.as_superuser("alter table core_idempotency drop constraint core_idempotency_pkey")
            answers = at_once(10, lambda _: pay_patiently(payer, pair[1], 100, key="another ten"))
            assert len({answer.content for answer in answers}) == 10
            assert balance(payer) == 8_900
    finally:
        database.as_superuser("delete from core_idempotency where user_id = %s and key = 'another ten'", [payer.id])
        database.as_superuser("alter table core_idempotency add primary key (user_id, key, week)")


def test_twenty_at_once_spend_the_whole_balance_and_one_wins(database: Database, pair):
    payer = person(database, 5000)
    answers = at_once(20, lambda _: pay_patiently(payer, pair[1], 5000))
    assert sorted(answer.status_code for answer in answers) == [201] + [402] * 19
    assert balance(payer) == 0


def test_even_without_the_rule_the_floor_holds_and_without_the_floor_the_test_above_would_notice(
    database: Database, pair, monkeypatch: pytest.MonkeyPatch
):
    payer = person(database, 5000)
    monkeypatch.setattr(rules, "decide", lambda facts: None)
    answers = at_once(10, lambda _: pay_patiently(payer, pair[1], 5000))
    assert sorted(answer.status_code for answer in answers) == [201] + [402] * 9

    with actor(payer.id):
        account = wallets.wallet(payer.id).account
    lift = "set session_replication_role = replica; update ledger_account set floor = {} where id = {}"
    database.as_superuser(lift.format("null", account))
    assert {answer.status_code for answer in at_once(3, lambda _: pay_patiently(payer, pair[1], 5000))} == {201}
    assert balance(payer) == -15_000
    mint(database, payer.id, 15_000)
    database.as_superuser(lift.format("0", account))


BEGIN = "payments_begin(bigint, text, text, bigint, bigint)"
FINISH = "payments_finish(bigint, text, uuid, bigint, bigint, text, text, json, json, text, bytea, jsonb, bytea)"
NO_FIRST_GUARD = ("wallets_guard(bigint)", "FOR NO KEY UPDATE", "")
PASSED = '{"decision": "passed", "score": 0, "version": 1, "signals": [], "paid_before": true}'


def begin(payer: PersonForTest, payee: PersonForTest, amount: int = 100) -> bytes | None:
    """The first half of a payment, and the stamp that it hands out; None where a limit would be passed."""
    with connection.cursor() as cursor:
        cursor.execute("select stamp from payments_begin(%s, null, %s, null, %s)", [payer.id, payee.username, amount])
        stamp = cursor.fetchone()[0]
    return None if stamp is None else bytes(stamp)


def finish(
    payer: PersonForTest, payee: PersonForTest, screen: str = PASSED, *, stamp: bytes | None = None, amount: int = 100
) -> None:
    """The posting half of a payment alone; without a stamp as whoever forgot the first half would call it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select payments_finish(%s, %s, %s, %s, %s, '', 'public', '{}', '{}', null, null, %s, %s)",
            [payer.id, new_id("pay"), new_reference(), payee.id, amount, screen, stamp],
        )


def test_the_posting_half_checks_the_payer_by_itself(database: Database, pair):
    payer = person(database, 1000)
    for somebody in (pair[1].id, SYSTEM):
        with pytest.raises(DatabaseError, match="somebody else"), actor(somebody):
            finish(payer, pair[1])
    with pytest.raises(DatabaseError, match="no actor"):
        finish(payer, pair[1])
    assert balance(payer) == 1000
    with actor(payer.id):
        finish(payer, pair[1], stamp=begin(payer, pair[1]))
    assert balance(payer) == 900


def test_the_posting_half_takes_the_guard_by_itself(database: Database, pair):
    payer = person(database, 1000)
    other = database.connect_as_superuser()
    other.autocommit = False
    try:
        with changed(database, NO_FIRST_GUARD):
            with other.cursor() as cursor:
                cursor.execute("select from wallets_wallet where user_id = %s for no key update", [payer.id])
            with pytest.raises(DatabaseError, match="lock timeout"), actor(payer.id):
                finish(payer, pair[1], stamp=begin(payer, pair[1]))
            other.rollback()
            with actor(payer.id):
                finish(payer, pair[1], stamp=begin(payer, pair[1]))
    finally:
        other.close()
    assert balance(payer) == 900


def test_the_posting_half_asks_by_itself_whether_the_payer_owes(database: Database, pair):
    payer = person(database, 1000)
    assert pay(payer, pair[1], 1000).status_code == 201
    with database.role("worker"), actor(SYSTEM):
        wallet_services.claw_back(user_id=payer.id, reference=new_reference(), amount=400)
    assert pay(pair[0], payer, 500).status_code == 201
    with pytest.raises(DatabaseError, match="owes 400"), actor(payer.id):
        finish(payer, pair[1], stamp=begin(payer, pair[1]))
    assert balance(payer) == 500


def test_people_who_pay_each_other_at_once_get_no_deadlock(database: Database):
    circle = [person(database, 10_000) for _ in range(3)]

    def work(index: int) -> list[int]:
        payer, payee = circle[index % 3], circle[(index + 1 + index // 3) % 3]
        return [pay_patiently(payer, payee, 5).status_code for _ in range(8)]

    answers = at_once(6, work)
    assert answers == [[201] * 8] * 6
    assert sum(balance(one) for one in circle) == 30_000


# ------------------------------------------------------------------------------------------------ what is owed first
def test_who_owes_repays_before_paying(database: Database, pair):
    payer = person(database, 1000)
    pay(payer, pair[1], 1000)
    with database.role("worker"), actor(SYSTEM):
        assert wallet_services.claw_back(user_id=payer.id, reference=new_reference(), amount=400) == 400
    problem = assert_problem(pay(payer, pair[1], 1), 403, "balance_owed")
    assert "$4.00" in problem["detail"]
    mint(database, payer.id, 500)
    assert balance(payer) == 100
    assert pay(payer, pair[1], 100).status_code == 201


def test_the_stored_answer_survives_and_is_the_payers_alone(database: Database, pair):
    payer = person(database, 100)
    first = pay(payer, pair[1], 100, key="mine")
    request = idempotency.fingerprint(
        "payments", {"to": pair[1].username, "amount": 100, "note": "", "visibility": "public"}
    )
    with actor(payer.id):
        assert idempotency.find(user_id=payer.id, key="mine", request=request).text == first.content.decode()
    with actor(pair[1].id), connection.cursor() as cursor:
        cursor.execute("select count(*) from core_idempotency where user_id = %s", [payer.id])
        assert cursor.fetchone() == (0,)


def relayed(database: Database) -> None:
    with database.role("worker"):
        relay_all()


def test_no_payment_reads_a_table_from_end_to_end(database: Database):
    """Connections live for weeks, and so do their plans: one made while a week's keys were few must be good for many."""
    ann, bob = person(database, 1000), person(database)
    request = idempotency.fingerprint("x", {})

    def read() -> int:
        """Rows of idempotency keys that the running transaction has read one after the other."""
        with connection.cursor() as cursor:
            cursor.execute(
                "select coalesce(sum(seq_tup_read), 0) from pg_stat_xact_user_tables where relname like 'core_idempotency%'"
            )
            return int(cursor.fetchone()[0])

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute("select payee from payments_begin(%s, %s, %s, null, 1)", [ann.id, str(uuid4()), bob.username])
            assert cursor.fetchone()[0] == bob.id

    # The statistics say "empty", as after a maintenance run at the beginning of a week; then the plan is made.
    database.as_superuser("delete from core_idempotency; analyze core_idempotency; select 1")
    with actor(ann.id):
        look()
    database.as_superuser(
        "insert into core_idempotency (user_id, key, request, status, answer)"
        " select %s, 'k' || n, %s, 201, '{}' from generate_series(1, 3000) n returning 1",
        [ann.id, request],
    )
    with actor(ann.id):
        before = read()
        look()
        assert read() == before
