"""What is noticed about movements: computed from the journal, once per window, by whoever looks and however often."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from compliance.models import Case, Flag
from compliance.services import flags
from core.actor import SYSTEM, actor
from ledger.cuts import OlderTransactionsOpen
from tests.conftest import Database
from tests.helpers import at_once
from tests.rewards.network import demo_time, pay, pay_all, people

_days = itertools.count(1)


class Clock:
    """Each test has days of its own: it looks at what it has moved itself."""

    noon: datetime


def minutes(n: float) -> datetime:
    return Clock.noon + timedelta(minutes=n)


def look(database: Database) -> int:
    with database.role("worker"):
        return flags.look(patience=60)  # whoever else uses the cluster may have something open


@pytest.fixture(autouse=True)
def from_here_on(database: Database) -> None:
    Clock.noon = datetime(2026, 9, 1, 12, tzinfo=UTC) + timedelta(days=3 * next(_days))
    look_again(database)


def look_again(database: Database) -> None:
    database.as_superuser("update compliance_flagcursor set at = %s", [minutes(-24 * 60)])


def of(database: Database, *users: int) -> list[Flag]:
    with database.role("worker"), actor(SYSTEM):
        return list(Flag.objects.filter(user_id__in=users).order_by("id"))


def rules(database: Database, *users: int) -> list[str]:
    return [flag.rule for flag in of(database, *users)]


def case_of(database: Database, user: int) -> Case | None:
    with database.role("worker"), actor(SYSTEM):
        return Case.objects.filter(user_id=user, kind="flag").order_by("-id").first()


def crowd(database: Database, number: int, *, days: int = 40, money: int = 100_000_00) -> list[int]:
    return people(database, number, since=Clock.noon - timedelta(days=days), money=money)


def load(database: Database, user: int, at: datetime, cents: int) -> None:
    with demo_time(database, at) as run:
        run(
            "select ledger_post(gen_random_uuid(), 1::smallint, 1, account, %s) from wallets_wallet where user_id = %s",
            [cents, user],
        )


def test_ten_senders_in_a_day_are_a_flag_and_open_a_case_that_says_so(database: Database) -> None:
    who = crowd(database, 13)
    pay_all(database, [(who[n], who[12], minutes(n)) for n in range(9)])
    look(database)
    assert rules(database, *who) == []
    pay_all(database, [(who[9], who[12], minutes(10)), (who[10], who[12], minutes(11)), (who[9], who[12], minutes(12))])
    assert look(database) == 3
    assert look(database) == 0
    [flag] = of(database, *who)
    assert (flag.user_id, flag.rule, flag.weight, flag.detail) == (who[12], "many_senders", 100, {"senders": 10, "cents": 10})
    case = case_of(database, who[12])
    assert case is not None and case.pk == flag.case_id and case.status == "open" and case.priority == 2
    assert case.signals["flags"][0]["detail"]["senders"] == 10 and case.signals["account_age_days"] > 1


def test_the_same_ten_over_two_days_are_none(database: Database) -> None:
    who = crowd(database, 11)
    pay_all(database, [(who[n], who[10], minutes(n * 170)) for n in range(10)])
    look(database)
    assert "many_senders" not in rules(database, who[10])


def test_the_fifth_payment_to_one_person_in_an_hour_counts_and_opens_nothing_alone(database: Database) -> None:
    a, b, c = crowd(database, 3)
    pay_all(database, [(a, b, minutes(n * 12)) for n in range(6)])
    pay_all(database, [(a, c, minutes(n * 20)) for n in range(6)])
    look(database)
    [flag] = of(database, a, b, c)
    assert (flag.user_id, flag.rule, flag.other_id, flag.detail["payments"]) == (a, "repeat_recipient", b, 5)
    assert case_of(database, a) is None
    # The window after it is another one.
    pay_all(database, [(a, b, minutes(110 + n)) for n in range(6)])
    look(database)
    assert rules(database, a) == ["repeat_recipient", "repeat_recipient"]
    assert case_of(database, a) is None  # one rule counts once


def test_a_load_sent_on_at_once_to_a_new_account(database: Database) -> None:
    a, c = crowd(database, 2)
    [new] = crowd(database, 1, days=2, money=0)
    load(database, a, minutes(0), 50_00)
    pay(database, a, c, minutes(5), 50_00)  # to somebody who has been here for long
    pay(database, a, new, minutes(6), 10_00)  # less than half of it
    look(database)
    assert rules(database, a, c, new) == []
    pay(database, a, new, minutes(20), 30_00, held=True)
    look(database)
    [flag] = of(database, a, c, new)
    assert (flag.user_id, flag.rule) == (a, "load_sent_on")
    assert flag.detail == {"loaded": 50_00, "sent": 30_00, "minutes": 20, "to": new}
    assert case_of(database, a) is not None


@pytest.mark.parametrize("length", [2, 3, 4])
def test_circles_of_up_to_four_payments_within_a_day(database: Database, length: int) -> None:
    who = crowd(database, length)
    ring = [*who, who[0]]
    pay_all(database, [(ring[n], ring[n + 1], minutes(n)) for n in range(length)])
    look(database)
    [flag] = of(database, *who)
    assert (flag.user_id, flag.rule) == (who[0], "circle")
    assert flag.detail["people"] == who


@pytest.mark.parametrize(
    "what", ["five payments", "in another order", "over two days"],
)  # fmt: skip
def test_what_is_no_circle(database: Database, what: str) -> None:
    who = crowd(database, 5)
    if what == "five payments":
        steps = [(0, 1, 0), (1, 2, 1), (2, 3, 2), (3, 4, 3), (4, 0, 4)]
    elif what == "in another order":
        steps = [(1, 2, 0), (0, 1, 1), (2, 0, 2)]
    else:
        steps = [(0, 1, 0), (1, 0, 24 * 60 + 1)]
    pay_all(database, [(who[a], who[b], minutes(at)) for a, b, at in steps])
    look(database)
    assert rules(database, *who) == []


def test_a_sudden_change_of_habit(database: Database) -> None:
    a, b, c = crowd(database, 3)
    pay_all(database, [(a, b, Clock.noon - timedelta(days=n)) for n in range(2, 12)])
    steps = [(c, 150_00), (a, 99_00), (a, 150_00), (a, 160_00)]  # c has no habit; 99.00 is below what is looked at
    for n, (payer, cents) in enumerate(steps):
        pay(database, payer, b, minutes(n), cents)
    look(database)
    [flag] = of(database, a, b, c)
    assert (flag.user_id, flag.rule, flag.detail["sent"], flag.detail["usual"]) == (a, "habit", 150_00, 1)


def test_two_middling_flags_make_a_case_and_a_closed_one_is_not_counted_again(database: Database) -> None:
    a, b = crowd(database, 2)
    pay_all(database, [(a, b, minutes(n)) for n in range(5)])
    pay_all(database, [(b, a, minutes(10))])
    look(database)
    assert rules(database, a) == ["repeat_recipient", "circle"]
    case = case_of(database, a)
    assert case is not None and len(case.signals["flags"]) == 2
    assert {flag.case_id for flag in of(database, a)} == {case.pk}
    database.as_superuser(
        "select set_config('paya.actor', '0', false), compliance_conclude(%s, 'no_action', 'legitimate', 'They play cards.')",
        [case.public_id],
    )
    with database.role("worker"), actor(SYSTEM):
        assert not flags.raise_flag(rule="circle", user_id=a, at=minutes(11), detail={})
        assert flags.raise_flag(rule="habit", user_id=a, at=minutes(11), detail={})
    assert case_of(database, a) == case  # 50 on its own: what the closed case was about does not count again
    [[kept]] = database.as_superuser("select signals from compliance_verdict where case_id = %s", [case.pk])
    assert [flag["rule"] for flag in kept["flags"]] == ["repeat_recipient", "circle"]


def test_private_payments_alone_are_a_weak_flag_and_never_a_case(database: Database) -> None:
    [a] = crowd(database, 1)
    with database.role("worker"), actor(SYSTEM):
        for days in range(0, 360, 31):
            assert flags.raise_flag(rule="private_only", user_id=a, at=Clock.noon - timedelta(days=days), detail={"payments": 10})
    assert case_of(database, a) is None
    with pytest.raises(Exception, match="private_is_weak"):
        database.as_superuser("update compliance_flagrule set weight = 100 where rule = 'private_only'")


def test_many_look_at_once_and_each_flag_is_raised_once(database: Database) -> None:
    who = crowd(database, 12)
    pay_all(database, [(who[n], who[11], minutes(n)) for n in range(11)])
    with database.role("worker"):
        done = at_once(6, lambda _: flags.look())
    assert sum(n for n in done if isinstance(n, int)) == 11, done
    assert rules(database, *who) == ["many_senders"]


def test_control_without_a_cursor_and_a_window_they_would_be_raised_again(database: Database) -> None:
    """What the test above says is only so because of the two: looking anew with the window forgotten finds it again."""
    who = crowd(database, 12)
    pay_all(database, [(who[n], who[11], minutes(n)) for n in range(11)])
    look(database)
    look_again(database)
    look(database)
    assert rules(database, who[11]) == ["many_senders"]
    database.as_superuser(
        "set session_replication_role = replica;"
        " update compliance_flag set at = at - interval '3 days', bucket = 'x' where user_id = %s;"
        " set session_replication_role = origin", [who[11]],
    )  # fmt: skip
    look_again(database)
    look(database)
    assert rules(database, who[11]) == ["many_senders", "many_senders"]


def test_what_may_still_commit_is_waited_for_and_then_seen(database: Database) -> None:
    a, b = crowd(database, 2)
    raw = database.connect("worker")
    raw.autocommit = False
    with raw.cursor() as cursor:
        cursor.execute("select pg_current_xact_id()")
        with database.role("worker"), pytest.raises(OlderTransactionsOpen):
            flags.look(patience=0.05)
    raw.rollback()
    raw.close()
    pay_all(database, [(a, b, minutes(1))])
    assert look(database) == 1


def test_the_relay_wakes_up_whoever_looks_and_does_not_wait_for_a_broker(monkeypatch: Any) -> None:
    from compliance import handlers
    from core.outbox import Row

    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(handlers.look_at_movements, "apply_async", lambda **options: sent.append(options))
    rows = [Row(n, "payment.completed", {"payment": "pay_1", "payer": 1, "payee": 2}, datetime.now(UTC)) for n in range(3)]
    handlers.wake_up(rows)
    assert sent == [{"retry": False, "expires": 60}]

    def down(**options: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(handlers.look_at_movements, "apply_async", down)
    handlers.wake_up(rows)  # the sweep finds them


def test_who_only_pays_privately_is_found_through_the_rooms_above(database: Database) -> None:
    from payments import services as payments
    from tests.payments.people import person

    shy, open_ = person(database, 100_00), person(database, 100_00)
    for n in range(10):
        for one, other, seen in ((shy, open_, "private"), (open_, shy, "private" if n else "public")):
            payments.pay(payer_id=one.id, to=other.username, amount=10 + n, note="x", visibility=seen, key=None)
    database.as_superuser("update compliance_flagcursor set at = now() - interval '1 minute'")
    look(database)
    assert "private_only" in rules(database, shy.id)
    assert "private_only" not in rules(database, open_.id)
