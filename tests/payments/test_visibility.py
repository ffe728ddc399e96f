"""Who sees a payment: the feed and its cursors, private ones, making private, strangers, and staff who say why."""

from typing import Any
from uuid import uuid4

import psycopg2
import pytest

from payments import rules
from tests.conftest import Database, PersonForTest
from tests.helpers import Api, assert_problem
from tests.payments.people import browser, person
from tests.payments.test_paying import pay, relayed


def feed(**params: Any) -> dict[str, Any]:
    answer: dict[str, Any] = Api().get("/v1/feed?" + "&".join(f"{k}={v}" for k, v in params.items())).json()
    return answer


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["data"]]


@pytest.fixture(scope="module")
def trio(database: Database) -> tuple[PersonForTest, PersonForTest, PersonForTest]:
    return person(database, 1_000_000), person(database, 1_000_000), person(database)


# ------------------------------------------------------------------------------------------------- stricter wins
@pytest.mark.parametrize(
    ("asked", "default", "final"),
    [
        ("public", "public", "public"),
        ("public", "private", "private"),
        ("private", "public", "private"),
        ("private", "private", "private"),
        ("public", None, "public"),
    ],
)
def test_the_stricter_wish_wins(asked, default, final):
    assert rules.stricter(asked, default) == final


def test_the_payees_default_makes_a_public_payment_private(database: Database, trio):
    shy = person(database, visibility="private")
    assert pay(trio[0], shy, 1, visibility="public").json()["visibility"] == "private"
    assert pay(trio[0], trio[1], 1, visibility="public").json()["visibility"] == "public"


# ----------------------------------------------------------------------------------------------------------- feed
def test_the_feed_shows_who_whom_what_and_when_and_never_an_amount(database: Database, trio):
    ann, bob, _ = trio
    paid = pay(ann, bob, 9_137, note="a bicycle").json()
    relayed(database)
    item = feed()["data"][0]
    assert item == {key: paid[key] for key in ("id", "from", "to", "note", "created_at")}
    columns = {row[0] for row in database.as_superuser(
        "select attname from pg_attribute where attrelid = 'payments_feeditem'::regclass and attnum > 0")}  # fmt: skip
    assert not any("amount" in column or "balance" in column or "transfer" in column for column in columns)
    assert "9137" not in str(database.as_superuser("select payload::text from core_outbox"))


def test_the_feed_is_newest_first_and_its_cursors_miss_nothing(database: Database, trio):
    ann, bob, _ = trio
    made = []
    for number in range(7):
        made.append(pay(ann, bob, 1, note=f"number {number}").json()["id"])
        pay(ann, bob, 1, note="hidden", visibility="private")
    relayed(database)
    first = feed(limit=3)
    assert ids(first) == made[::-1][:3]
    late = pay(ann, bob, 1, note="came in between").json()["id"]
    relayed(database)
    second = feed(limit=3, cursor=first["next_cursor"])
    third = feed(limit=1, cursor=second["next_cursor"])
    assert ids(second) + ids(third) == made[::-1][3:]
    assert ids(feed(limit=1)) == [late]
    assert_problem(Api().get("/v1/feed?cursor=nonsense"), 400, "validation_error")
    for limit in ("0", "101", "x", "-1"):
        assert_problem(Api().get(f"/v1/feed?limit={limit}"), 400, "validation_error")


def test_ones_own_payments_page_the_same_way(database: Database, trio):
    ann, bob = person(database, 100), trio[1]
    made = [pay(ann, bob, 1).json()["id"] for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = Api().get(f"/v1/payments?limit=2{cursor and '&cursor=' + cursor}", person=ann).json()
        seen += ids(page)
        cursor = page["next_cursor"]
    assert seen == made[::-1]


# -------------------------------------------------------------------------------------------------------- private
SECRET = "the-emerald-lighthouse"


def test_a_private_payment_is_nowhere_but_with_its_two_parties(database: Database, trio, caplog, capsys):
    ann, bob, eve = trio
    paid = pay(ann, bob, 4_711, note=SECRET, visibility="private")
    payment = paid.json()["id"]
    relayed(database)
    assert payment not in ids(feed(limit=100))
    assert database.as_superuser("select count(*) from payments_feeditem where payment = %s", [payment]) == [(0,)]
    assert_problem(Api().get(f"/v1/payments/{payment}", person=eve), 404, "not_found")
    assert_problem(Api().get(f"/v1/payments/{payment}"), 401, "unauthenticated")
    for path in ("/v1/payments", "/v1/wallet/transactions", "/v1/feed"):
        assert payment not in Api().get(path, person=eve).content.decode()
    for path in (f"/payments/{payment}", "/feed", "/home", "/activity"):
        assert SECRET not in browser(eve).get(path).content.decode()
    assert browser(eve).get(f"/payments/{payment}").status_code == 404
    for one in (ann, bob):
        assert Api().get(f"/v1/payments/{payment}", person=one).status_code == 200
        assert SECRET in browser(one).get(f"/payments/{payment}").content.decode()
    # In no log, in no outbox row: in the payment itself and in the payer's stored answer alone.
    assert SECRET not in caplog.text
    assert SECRET not in capsys.readouterr().err
    tables = [row[0] for row in database.as_superuser(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")]  # fmt: skip
    holding = {
        table for table in tables
        if database.as_superuser(f'select count(*) from "{table}" t where t::text like %s', [f"%{SECRET}%"]) != [(0,)]
    }  # fmt: skip
    assert {table for table in holding if not table.startswith("core_idempotency")} == {"payments_payment"}


def test_somebody_elses_payment_is_404_even_when_it_is_public(trio):
    ann, bob, eve = trio
    payment = pay(ann, bob, 1).json()["id"]
    for path in (payment, "pay_00000000000000000000000000", "1", "x" * 300):
        assert_problem(Api().get(f"/v1/payments/{path}", person=eve), 404, "not_found")
        assert_problem(Api().patch(f"/v1/payments/{path}", {"visibility": "private"}, person=eve), 404, "not_found")
    assert browser(eve).post(f"/payments/{payment}/private").status_code == 404


@pytest.mark.parametrize("who", [0, 1], ids=["payer", "payee"])
def test_either_party_takes_it_out_of_the_feed_for_good(database: Database, trio, who):
    payment = pay(trio[0], trio[1], 1, note=SECRET + str(who)).json()["id"]
    relayed(database)
    assert payment in ids(feed())
    assert Api().patch(f"/v1/payments/{payment}", {"visibility": "private"}, person=trio[who]).json()["visibility"] == "private"
    relayed(database)
    assert payment not in ids(feed(limit=100))
    left = database.as_superuser("select note, removed is not null from payments_feeditem where payment = %s", [payment])
    assert left == [("", True)]
    for party in trio[:2]:
        answer = Api().patch(f"/v1/payments/{payment}", {"visibility": "public"}, person=party)
        assert_problem(answer, 400, "validation_error")
    assert Api().patch(f"/v1/payments/{payment}", {"visibility": "private"}, person=trio[who]).status_code == 200


def test_made_private_before_the_relay_came_it_never_shows(database: Database, trio):
    payment = pay(trio[0], trio[1], 1, note="too quick").json()["id"]
    Api().patch(f"/v1/payments/{payment}", {"visibility": "private"}, person=trio[0])
    relayed(database)
    assert database.as_superuser("select count(*) from payments_feeditem where payment = %s", [payment]) == [(0,)]


def test_published_twice_it_shows_once_and_hidden_it_stays_hidden(database: Database, trio):
    """At least once: the relay may hand rows over again after a crash."""
    payment = pay(trio[0], trio[1], 1).json()["id"]
    relayed(database)
    shown = database.as_superuser("select position from payments_feeditem where payment = %s", [payment])
    again = "update core_outboxhead set published = 0"
    database.as_superuser(again)
    relayed(database)
    assert database.as_superuser("select position from payments_feeditem where payment = %s", [payment]) == shown
    Api().patch(f"/v1/payments/{payment}", {"visibility": "private"}, person=trio[0])
    relayed(database)
    database.as_superuser(again)
    relayed(database)
    assert payment not in ids(feed(limit=100))


# ---------------------------------------------------------------------------------------------------------- staff
@pytest.fixture(scope="module")
def staff_id(database: Database) -> int:
    [(made,)] = database.as_superuser(
        "insert into users_user (id, public_id, kind, email, password, is_superuser, is_active)"
        " values (nextval('users_user_id_seq'), 'usr_staff', 'staff', 'staff@paya.example', 'x', false, true) returning id"
    )
    database.as_superuser("insert into console_staffrole (user_id, role) values (%s, 'support')", [made])
    return int(made)


def look(database: Database, staff: int, payment: str, reason: str | None) -> list[Any]:
    raw = database.connect("staff")
    try:
        with raw.cursor() as cursor:
            cursor.execute("select set_config('paya.actor', %s, false)", [str(staff)])
            cursor.execute("select amount, note from payments_view_as_staff(%s, %s, %s)", [staff, payment, reason])
            return list(cursor.fetchall())
    finally:
        raw.close()


def test_staff_see_a_private_payment_by_saying_why_and_that_is_kept(database: Database, trio, staff_id):
    payment = pay(trio[0], trio[1], 333, note=SECRET, visibility="private").json()["id"]
    for reason in ("", "  ", "x", None):
        with pytest.raises(psycopg2.Error):
            look(database, staff_id, payment, reason)
    with pytest.raises(psycopg2.Error, match="only staff"):
        look(database, trio[2].id, payment, "curious")
    looked = "select staff_id, reason from payments_staffview where payment = %s"
    assert database.as_superuser(looked, [payment]) == []
    assert look(database, staff_id, payment, " case 17: disputed ") == [(333, SECRET)]
    assert database.as_superuser(looked, [payment]) == [(staff_id, "case 17: disputed")]


def test_staff_have_no_other_way_to_it(database: Database, trio, staff_id):
    pay(trio[0], trio[1], 333, note=SECRET, visibility="private")
    raw = database.connect("staff")
    try:
        with raw.cursor() as cursor:
            cursor.execute("select set_config('paya.actor', %s, false)", [str(staff_id)])
            for table in ("payments_payment", "core_idempotency", "ledger_transfer"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(f"select count(*) from {table}")
    finally:
        raw.close()


# ----------------------------------------------------------------------------------------------------------- pages
def test_the_form_pays_once_however_often_it_is_sent(database: Database, trio):
    ann, bob = person(database, 1000), trio[1]
    client, key = browser(ann), uuid4().hex
    form = {"to": f"@{bob.username}", "amount": "2.50", "note": "form", "visibility": "private", "key": key}
    first, second = client.post("/pay", form), client.post("/pay", form)
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    assert Api().get("/v1/wallet", person=ann).json()["balance"]["available"] == 750


@pytest.mark.parametrize("amount", ["", "0", "-5", "abc", "1.234", "1e3", "9" * 5000, "١٢", "10000000000"])
def test_an_amount_that_is_none_is_a_sentence_on_the_form(database: Database, trio, amount):
    form = {"to": trio[1].username, "amount": amount, "note": "", "visibility": "public", "key": uuid4().hex}
    page = browser(trio[0]).post("/pay", form)
    assert page.status_code == 400
    assert "errors" in page.context and page.context["errors"]["amount"]
