"""The outbox and its relay: positions without a gap, late commits, one leader, bad rows, outages."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from core import outbox, relay
from core.outbox import Row
from core.relay import HandlerUnavailable
from tests.conftest import Database
from tests.helpers import at_once, relay_all

TOPIC = "test.happened"
Handle = Callable[[list[Row]], None]


@pytest.fixture(autouse=True)
def _empty(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The worker, an empty outbox, no handlers but the test's, and no waiting between tries."""
    database.as_superuser("delete from core_outbox; update core_outboxhead set last_position = 0, published = 0")
    monkeypatch.setattr(outbox, "_handlers", {})
    monkeypatch.setattr(relay.time, "sleep", lambda seconds: None)
    with database.role("worker"):
        yield


@pytest.fixture
def seen() -> list[Row]:
    return []


def handle(*handlers: Handle) -> None:
    outbox._handlers[TOPIC] = list(handlers)


def emit(*numbers: int) -> None:
    with transaction.atomic():
        for number in numbers:
            outbox.emit(TOPIC, number=number)


def roll_back(number: int) -> None:
    with transaction.atomic():
        outbox.emit(TOPIC, number=number)
        transaction.set_rollback(True)


def numbers(rows: list[Row]) -> list[int]:
    return [row.payload["number"] for row in rows]


def test_an_event_belongs_into_the_transaction_of_its_cause(seen):
    with pytest.raises(RuntimeError, match="transaction of its cause"):
        outbox.emit(TOPIC, number=1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.emit(TOPIC, number=1 // 0)
    handle(seen.extend)
    roll_back(2)
    emit(3)
    relay_all()
    assert numbers(seen) == [3]


def test_rows_come_in_order_in_batches_of_one_topic(seen):
    batches: list[tuple[str, list[int]]] = []
    for topic in (TOPIC, "test.other"):
        outbox._handlers[topic] = [lambda rows, topic=topic: batches.append((topic, numbers(rows)))]
    emit(1, 2)
    with transaction.atomic():
        outbox.emit("test.other", number=3)
        outbox.emit(TOPIC, number=4)
        outbox.emit("test.nobody_listens", number=5)
    relay_all()
    assert batches == [(TOPIC, [1, 2]), ("test.other", [3]), (TOPIC, [4])]


def test_positions_have_no_gap_although_ids_do_and_a_late_commit_is_not_skipped(database: Database, seen):
    handle(seen.extend)
    late = database.connect("worker")
    late.autocommit = False
    insert = "insert into core_outbox (topic, payload) values (%s, %s)"
    try:
        with late.cursor() as cursor:
            cursor.execute(insert, [TOPIC, '{"number": 1}'])  # the lowest id, committed last
        emit(2)
        roll_back(99)  # uses up an id
        emit(3)
        relay_all()
        assert numbers(seen) == [2, 3]
        late.commit()
        emit(4)
        relay_all()
    finally:
        late.close()
    assert numbers(seen) == [2, 3, 1, 4]
    assert [row.position for row in seen] == [1, 2, 3, 4]


def test_many_writers_and_two_positioners_leave_no_gap(database: Database, seen, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relay, "BATCH", 7)

    def work(index: int) -> None:
        for turn in range(20):
            if index < 4:
                emit(index * 100 + turn)
            else:
                with connection.cursor() as cursor:
                    cursor.execute("select core_outbox_position(5)")

    assert at_once(6, work) == [None] * 6
    handle(seen.extend)
    relay_all()
    assert [row.position for row in seen] == list(range(1, 81))
    assert sorted(numbers(seen)) == sorted(index * 100 + turn for index in range(4) for turn in range(20))
    for index in range(4):  # what one writer committed in order is published in order
        mine = [number for number in numbers(seen) if number // 100 == index]
        assert mine == sorted(mine)


def test_a_second_positioner_waits_for_the_first_and_goes_on_after_it(database: Database, seen):
    """Meanwhile a row with a lower id commits: seen beside the first one's rows, it would be given one of their positions."""
    late, first, errors = database.connect("worker"), database.connect("worker"), []
    late.autocommit = first.autocommit = False

    def position() -> None:
        try:
            connection.cursor().execute("select core_outbox_position(10)")
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    second = threading.Thread(target=position)
    try:
        late.cursor().execute("insert into core_outbox (topic, payload) values (%s, %s)", [TOPIC, '{"number": 1}'])
        emit(2, 3)
        first.cursor().execute("select core_outbox_position(10)")
        late.commit()
        second.start()
        until(lambda: database.as_superuser(waiting), "the second does not wait")
        first.commit()
        second.join(10)
    finally:
        late.close()
        first.close()
    assert errors == []
    handle(seen.extend)
    relay_all()
    assert [(row.position, row.payload["number"]) for row in seen] == [(1, 2), (2, 3), (3, 1)]


# ---------------------------------------------------------------------------------------------------- bad rows, outages
def test_a_bad_row_is_set_aside_and_its_neighbours_pass(database: Database, seen):
    def picky(rows: list[Row]) -> None:
        if 3 in numbers(rows):
            raise ValueError("three")
        seen.extend(rows)

    also: list[Row] = []
    handle(picky, also.extend)
    emit(1, 2, 3, 4)
    relay_all()
    emit(5)
    relay_all()
    assert numbers(seen) == [1, 2, 4, 5]
    assert set(numbers(also)) == {1, 2, 3, 4, 5}
    failed = database.as_superuser("select payload->>'number' from core_outbox where failed_at is not null")
    assert failed == [("3",)]


def test_a_failure_that_passes_is_tried_again_and_nothing_is_set_aside(database: Database, seen):
    tries: list[int] = []

    def sometimes(rows: list[Row]) -> None:
        tries.append(1)
        if len(tries) < relay.MAX_TRIES:
            raise ValueError("not yet")
        seen.extend(rows)

    handle(sometimes)
    emit(1)
    relay_all()
    assert numbers(seen) == [1]
    assert database.as_superuser("select count(*) from core_outbox where failed_at is not null") == [(0,)]


def test_an_outage_is_waited_out_however_long(database: Database, seen):
    tries: list[int] = []

    def while_redis_is_away(rows: list[Row]) -> None:
        tries.append(1)
        if len(tries) < 10 * relay.MAX_TRIES:
            raise HandlerUnavailable("redis")
        seen.extend(rows)

    handle(while_redis_is_away)
    emit(1, 2)
    relay_all()
    assert numbers(seen) == [1, 2]
    assert database.as_superuser("select count(*) from core_outbox where failed_at is not null") == [(0,)]


def test_a_relay_told_to_stop_does_not_wait_for_an_outage_and_leaves_the_rows(database: Database, seen):
    stopping = threading.Event()

    def away(rows: list[Row]) -> None:
        stopping.set()
        raise HandlerUnavailable("redis")

    handle(away)
    emit(1)
    relay.lead(stopping.is_set)
    connection.close()
    handle(seen.extend)
    relay_all()
    assert numbers(seen) == [1]


def test_what_was_handed_over_before_a_crash_is_handed_over_again(seen):
    class PowerCut(BaseException):
        pass

    def cut(rows: list[Row]) -> None:
        seen.extend(rows)
        raise PowerCut

    handle(cut)
    emit(1, 2)
    with pytest.raises(PowerCut):
        relay.relay_once()
    handle(seen.extend)
    relay_all()
    assert numbers(seen) == [1, 2, 1, 2]
    assert [row.position for row in seen] == [1, 2, 1, 2]


def test_registering_twice_runs_once(seen):
    def mine(rows: list[Row]) -> None:
        seen.extend(rows)

    for _ in range(2):
        outbox._handlers.setdefault(TOPIC, [])
        outbox.handler(TOPIC)(mine)
    emit(1)
    relay_all()
    assert numbers(seen) == [1]


# ---------------------------------------------------------------------------------------------------------- leaders
class Leader(threading.Thread):
    """A relay in a thread of its own; `backend` is its connection's process in the database."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopping, self.error, self.backend = threading.Event(), None, 0

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("select pg_backend_pid()")
                self.backend = cursor.fetchone()[0]
            relay.lead(self.stopping.is_set)
        except Exception as error:  # noqa: BLE001
            self.error = error
        finally:
            connection.close()

    def finish(self) -> None:
        self.stopping.set()
        self.join(10)
        assert not self.is_alive()


def holder(database: Database) -> int | None:
    rows = database.as_superuser(
        "select pid from pg_locks where locktype = 'advisory' and objid = %s and granted"
        " and database = (select oid from pg_database where datname = current_database())",
        [relay.LOCK_KEY],
    )
    return rows[0][0] if rows else None


def until(condition: Callable[[], Any], what: str) -> None:
    pause, deadline = threading.Event(), 10.0
    while not condition():
        pause.wait(0.01)
        deadline -= 0.01
        assert deadline > 0, what


@pytest.mark.parametrize("inside", [False, True], ids=["while idle", "inside a handler's transaction"])
def test_one_relay_leads_and_the_other_takes_over_when_its_connection_dies(database: Database, seen, monkeypatch, inside):
    monkeypatch.undo()  # real pauses: two threads share the interpreter
    monkeypatch.setattr(outbox, "_handlers", {})
    monkeypatch.setattr(relay, "WAIT_SECONDS", 0.05)
    cut = threading.Event()

    def work(rows: list[Row]) -> None:
        if inside and cut.is_set():
            cut.clear()
            # Cut in the middle; on the way out Django drops the connection and would make a new one by itself.
            with transaction.atomic():
                database.as_superuser("select pg_terminate_backend(%s)", [first.backend])
                connection.cursor().execute("select 1")
        seen.extend(rows)

    handle(work)
    first, second = Leader(), Leader()
    first.start()
    until(lambda: holder(database) == first.backend != 0, "the first never led")
    second.start()
    until(lambda: second.backend, "the second never came")
    emit(1)
    until(lambda: numbers(seen) == [1], "the first does not publish")
    assert holder(database) == first.backend

    if inside:
        cut.set()
        emit(2)
    else:
        database.as_superuser("select pg_terminate_backend(%s)", [first.backend])
    first.join(10)
    assert not first.is_alive()
    assert first.error is not None, "a relay without its lock must not go on as if it led"
    until(lambda: holder(database) == second.backend, "the second did not take over")
    emit(3)
    until(lambda: 3 in numbers(seen), "the second does not publish")
    second.finish()
    assert second.error is None
    assert set(numbers(seen)) == ({1, 2, 3} if inside else {1, 3})
