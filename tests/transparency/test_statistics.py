"""Statistics by day: what events led to is what the sources say, computed by hand and computed anew."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from core import metrics
from core.actor import SYSTEM, actor
from core.ids import new_reference
from core.outbox import emit
from ledger import queries
from payments import services as payments
from tests.conftest import Database, MakePerson, PersonForTest
from tests.helpers import at_once, relay_all
from tests.one_database import as_web as as_web
from tests.one_database import database as database
from transparency.statistics import days, health
from wallets import services as wallets

TABLES = ("transparency_day", "transparency_activeday", "transparency_cohort", "transparency_healthday")
TODAY = datetime.now(UTC).date()


def day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def move(database: Database, ago: int) -> None:
    """Whatever is of today happened so many days ago, at noon."""
    to = f"(date_trunc('day', now() at time zone 'UTC') at time zone 'UTC') - interval '{ago} days' + interval '12 hours'"
    today = "date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'"
    database.as_superuser(
        "set session_replication_role = replica;"
        f" update ledger_transfer set posted_at = {to} where posted_at >= {today};"
        f" update payments_payment set created_at = {to} where created_at >= {today};"
        f" update core_outbox set created_at = {to} where created_at >= {today};"
        f" update users_user set created_at = {to} where created_at >= {today};"
        " set session_replication_role = origin"
    )


def rows(database: Database) -> dict[str, list[Any]]:
    """All there is, but for when it was computed."""
    return {
        table: [row[0] for row in database.as_superuser(f"select to_jsonb(t) - 'computed_at' from {table} t order by 1")]
        for table in TABLES
    }


def of(database: Database, ago: int) -> dict[str, Any]:
    found: dict[str, Any] = database.as_superuser("select to_jsonb(d) from transparency_day d where day = %s", [day(ago)])[0][0]
    return found


def pay(payer: PersonForTest, payee: PersonForTest, amount: int, visibility: str = "public") -> str:
    answer = payments.pay(payer_id=payer.id, to=payee.username, amount=amount, note="", visibility=visibility, key=None)
    return str(answer.body["id"])


@pytest.fixture(scope="module")
def story(database: Database, django_db_blocker: Any) -> dict[str, Any]:
    """Ann, Bob and Cat over seventy days, by the product's own services; the events have been relayed."""
    make: MakePerson = _maker(database)
    ann = make("ann", 100_00)
    move(database, 70)
    bob = make("bob", 50_00)
    pay(ann, bob, 3_00)
    move(database, 40)
    cat = make("cat")
    first = pay(ann, cat, 5_00)
    pay(bob, cat, 1_00, "private")
    with actor(bob.id):
        wallets.burn(user_id=bob.id, reference=(burned := new_reference()), amount=10_00)
    move(database, 3)
    pay(ann, bob, 2_00)
    with database.role("worker"):
        with actor(SYSTEM):
            wallets.settle_redemption(reference=new_reference(), amount=10_00)
            wallets.claw_back(user_id=ann.id, reference=new_reference(), amount=1_50)
        relay_all()
        days.catch_up()
    return {"ann": ann, "bob": bob, "cat": cat, "first": first, "burned": burned}


def _maker(database: Database) -> MakePerson:
    from tests.conftest import make_person

    return make_person.__wrapped__(database)  # type: ignore[attr-defined, no-any-return]


def test_each_day_is_what_happened_on_it(database: Database, story: dict[str, Any]):
    assert [row[0] for row in database.as_superuser("select day from transparency_day order by day")] == [
        day(ago) for ago in range(70, -1, -1)
    ]
    nothing = dict.fromkeys(of(database, 69).keys() - {"day", "computed_at"}, 0)
    assert of(database, 69).items() >= (nothing | {"active_7": 1, "active_30": 1}).items()
    assert of(database, 70).items() >= {
        "sign_ups": 1, "active": 1, "loads": 1, "loaded": 100_00, "reserve": 100_00, "circulation": 100_00, "required": 100_00,
    }.items()  # fmt: skip
    assert of(database, 40).items() >= {
        "sign_ups": 1, "active": 2, "payments": 1, "payments_public": 1, "volume": 3_00, "loaded": 50_00,
    }.items()  # fmt: skip
    assert of(database, 3).items() >= {
        "sign_ups": 1, "active": 2, "payments": 2, "payments_public": 1, "volume": 6_00, "redemptions": 1, "redeemed": 10_00,
        "reserve": 0, "circulation": -10_00, "required": 0,
    }.items()  # fmt: skip
    assert of(database, 0).items() >= {
        "active": 1, "payments": 1, "volume": 2_00, "redemptions": 0, "redeemed": 0, "returned": 1_50,
        "reserve": -11_50, "circulation": -1_50, "required": -11_50,
    }.items()  # fmt: skip
    sums = database.as_superuser("select sum(reserve), sum(circulation), sum(required), sum(pool) from transparency_day")
    with database.role("worker"):
        figures = queries.figures()
    assert sums == [(figures.reserve, figures.circulation, figures.required, figures.pool)]


def test_active_people_by_day_week_and_month_and_those_who_stay_away(database: Database, story: dict[str, Any]):
    seen = {ago: of(database, ago) for ago in (70, 40, 35, 12, 11, 10, 3, 0)}
    assert {ago: (row["active"], row["active_7"], row["active_30"]) for ago, row in seen.items()} == {
        70: (1, 1, 1), 40: (2, 2, 2), 35: (0, 2, 2), 12: (0, 0, 2), 11: (0, 0, 2), 10: (0, 0, 0), 3: (2, 2, 2), 0: (1, 2, 2),
    }  # fmt: skip
    # Ten days ago, both had last been active thirty days before; three days ago they came back.
    assert (seen[10]["active_before"], seen[10]["churned"]) == (2, 2)
    assert (seen[3]["active_before"], seen[3]["churned"]) == (2, 0)


def test_cohorts_by_the_week_in_which_people_signed_up(database: Database, story: dict[str, Any]):
    def monday(ago: int) -> date:
        return day(ago) - timedelta(days=day(ago).weekday())

    found = {(row[0], row[1]): row[2] for row in database.as_superuser("select cohort, week, active from transparency_cohort")}
    assert found[monday(70), monday(70)] == 1
    assert found[monday(70), monday(40)] == found[monday(40), monday(40)] == 1
    assert found[monday(70), monday(3)] == found[monday(40), monday(3)] == 1
    assert (monday(3), monday(3)) not in found  # Cat was paid, and has done nothing


def test_a_payment_made_private_leaves_the_public_ones_of_its_day(database: Database, story: dict[str, Any]):
    before = of(database, 3)
    payments.make_private(user_id=story["ann"].id, payment=story["first"])
    with database.role("worker"):
        relay_all()
        days.catch_up()
    after = of(database, 3)
    assert after == before | {"payments_public": before["payments_public"] - 1, "computed_at": after["computed_at"]}


def test_computed_anew_from_the_sources_it_is_the_same(database: Database, story: dict[str, Any]):
    metrics.client().delete(metrics.MINUTE + str(int(datetime.now().timestamp()) // 60 - 2))
    with database.role("worker"):
        health.sample()
        days.catch_up()
    before = rows(database)
    assert all(before.values())
    database.as_superuser("truncate transparency_day, transparency_activeday, transparency_cohort, transparency_healthday")
    with database.role("worker"):
        days.catch_up()  # as where nothing had been computed before
    assert rows(database) == before
    # And over what is there, be it wrong: from a day on, and from the first.
    database.as_superuser("update transparency_day set volume = 1, active = 7; delete from transparency_cohort")
    with database.role("worker"):
        call_command("rebuild_statistics", since=day(3))
        assert of(database, 3)["active"] == 2 and of(database, 40)["active"] == 7
        call_command("rebuild_statistics")
    assert rows(database) == before


def test_an_event_that_comes_again_or_late_changes_nothing(database: Database, story: dict[str, Any]):
    before = rows(database)
    with database.role("worker"):
        database.as_superuser("update core_outboxhead set published = 0")
        relay_all()
        assert database.as_superuser("select count(*) from transparency_dueday where day < %s", [TODAY])[0][0] >= 3
        assert set(at_once(3, lambda _: days.catch_up() > 0)) == {True}
    assert rows(database) == before
    assert database.as_superuser("select count(*) from transparency_dueday") == [(0,)]


def test_marked_again_while_it_is_computed_it_is_computed_again(database: Database, story: dict[str, Any], monkeypatch: Any):
    with database.role("worker"):
        days.rebuild(day(0))
        days.mark([datetime.now(UTC) - timedelta(days=5)])
        real = days.transaction.atomic

        def marked_meanwhile() -> Any:
            database.as_superuser("update transparency_dueday set marked_at = clock_timestamp() where day = %s", [day(5)])
            return real()

        monkeypatch.setattr(days.transaction, "atomic", marked_meanwhile)
        days.catch_up()
        monkeypatch.undo()
        assert (day(5),) in database.as_superuser("select day from transparency_dueday")
        days.catch_up()
    assert database.as_superuser("select day from transparency_dueday") == []


def test_health_by_the_minute_and_by_the_day(database: Database, story: dict[str, Any], monkeypatch: Any):
    now = 1_790_000_000 // 60 * 60
    metrics.flush()  # what others have counted
    monkeypatch.setattr(metrics.time, "time", lambda: now - 120)
    for _ in range(98):
        metrics.observe("v1/wallet", "GET", 200, 0.004)
    metrics.observe("v1/wallet", "GET", 200, 0.2)
    metrics.observe("v1/wallet", "GET", 500, 9.0)
    metrics.observe("readyz", "GET", 503, 9.0)  # of the API alone
    metrics.observe("transparency", "GET", 200, 9.0)
    metrics.flush()
    monkeypatch.setattr(metrics.time, "time", lambda: now)
    with database.role("worker"):
        assert health.sample() == health.LOOK_BACK - 1
        assert health.sample() == 0  # once each
        with actor(SYSTEM):
            emit("nothing")
        database.as_superuser("update core_outbox set created_at = created_at - interval '2 seconds' where topic = 'nothing'")
        monkeypatch.setattr(metrics.time, "time", lambda: now + 60)
        health.sample()
        relay_all()
    [(requests, errors, latency)] = database.as_superuser(
        "select requests, errors, latency from transparency_health where at = to_timestamp(%s)", [now - 120]
    )
    assert (requests, errors) == (100, 1)
    assert latency[0] == 98 and latency[metrics.bucket_of(0.2)] == 1 and latency[-1] == 1 and sum(latency) == 100
    assert [metrics.quantile(latency, share) for share in (0.5, 0.98, 0.99, 1)] == [0.005, 0.005, 0.25, 5.0]
    assert metrics.quantile([0] * 11, 0.5) is None
    on = datetime.fromtimestamp(now, UTC).date()
    with database.role("worker"), connection.cursor() as cursor:
        cursor.execute("select transparency_compute_day(%s)", [on])
    [(requests, errors, latency, lag)] = database.as_superuser(
        "select requests, errors, latency, outbox_lag from transparency_healthday where day = %s", [on]
    )
    assert (requests, errors, latency[0], sum(latency)) == (100, 1, 98, 100) and lag >= 2_000
    for table in ("transparency_day", "transparency_healthday"):
        database.as_superuser(f"delete from {table} where day = %s", [on])


@pytest.mark.parametrize("role", ["web", "staff", "auditor"])
def test_who_was_active_when_is_for_nobody_to_read(database: Database, role: str):
    raw = database.connect(role)
    with raw.cursor() as cursor, pytest.raises(Exception, match="permission denied"):
        cursor.execute("select * from transparency_activeday")
    raw.close()


def test_the_public_site_cannot_read_sums_of_payments(database: Database):
    raw = database.connect("web")
    with raw.cursor() as cursor:
        cursor.execute("select day, payments, loaded from transparency_day")
        for column in ("volume", "sign_ups", "active"):
            with pytest.raises(Exception, match="permission denied"):
                cursor.execute(f"select {column} from transparency_day")
    raw.close()
