"""The same without a protection, which must then be missed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from bench.campaigns.crash import Yard
from bench.campaigns.report import Report
from tests.stack import wait_until

from .bank import at_the_rails
from .town import Town, choose

WITHOUT = "alter table banking_inboxevent drop constraint banking_inbox_once"
ONCE = r"\s+ON CONFLICT \(provider, event_id\) DO NOTHING"


def stored_twice(yard: Yard, newer_than: int) -> int:
    """Messages of which the inbox has more than one copy."""
    [[count]] = yard.sql(
        "select count(*) from (select 1 from banking_inboxevent where id > %s"
        " group by provider, event_id having count(*) > 1) doubled", [newer_than]
    )  # fmt: skip
    return int(count)


def control_uniqueness(report: Report, town: Town, *, is_money_right: Callable[[], bool]) -> None:
    """The same inbox without its constraint, and every webhook twice."""
    yard = town.yard
    [[definition]] = yard.sql("select pg_get_functiondef('banking_receive'::regproc)")
    [[newest]] = yard.sql("select coalesce(max(id), 0) from banking_inboxevent")
    yard.sql(WITHOUT)
    try:
        yard.sql(definition.replace("ON CONFLICT (provider, event_id) DO NOTHING", ""))
        town.newcomers(2)
        town.sandbox("chaos", twice=1.0)
        choose(yard, "load", "dwolla")
        town.ask(6, kinds=("loads",))
        twice = (
            "select count(*) from (select 1 from banking_inboxevent where id > %s and outcome = 'done'"
            " group by provider, event_id having count(*) > 1) acted"
        )
        with contextlib.suppress(AssertionError):  # after a long run the queue may be long, too
            wait_until(lambda: yard.sql(twice, [newest])[0][0], "a message that is acted on twice", 240)
        town.sandbox("chaos")
        town.until_quiet(60)
        [[acted]] = yard.sql(twice, [newest])
        stored = stored_twice(yard, newest)
        money = "the money is right all the same" if is_money_right() else "MONEY IS WRONG"
        how = f"{stored} messages were stored more than once, {acted} acted on again; {money}"
        report.control("the inbox's uniqueness", failed=stored > 0 and acted > 0, how=how)
    finally:
        town.sandbox("chaos")
        yard.sql(definition)
        yard.sql("set session_replication_role = replica; delete from banking_inboxevent a using banking_inboxevent b"
                 " where a.provider = b.provider and a.event_id = b.event_id and a.id > b.id;"
                 " alter table banking_inboxevent add constraint banking_inbox_once unique (provider, event_id)")  # fmt: skip


def control_on_a_clone(report: Report) -> None:
    """In the suite: one message delivered twice, to a clone of the database without the constraint."""
    copies = {name: _copies(without=name == "without") for name in ("with", "without")}
    report.must_be("copies of a message that comes twice", copies["with"], 1)
    report.control("the inbox's uniqueness", failed=copies["without"] == 2, how=f"{copies['without']} copies were acted on")


def _copies(*, without: bool) -> int:
    """Of a message that comes twice, how many are stored and then acted on."""
    from banking.services import inbox  # where there is a Django to run it: inside the suite
    from bench.campaigns.ground import ground

    changes = [("banking_receive", ONCE, "")] if without else []
    with ground("web", changes=changes, sql=[WITHOUT] if without else []) as clone:
        event = inbox.Event("dwolla", "the same", "statement_created", {})
        for _ in range(2):
            inbox.receive(event)
        clone.become("worker")
        for (event_id,) in clone.as_superuser("select id from banking_inboxevent"):
            inbox.process(event_id=event_id)
        [[acted]] = clone.as_superuser("select count(*) from banking_inboxevent where processed_at is not null")
        return int(acted)


def control_keys(report: Report, town: Town) -> None:
    """The same worker, asking again under a new key and without a search (failpoints/): a lost answer is a second transfer."""
    yard = town.yard
    choose(yard, "load", "dwolla")
    assert yard.points is not None, "it takes a stack with failpoints"
    (yard.points / "new-keys").touch()
    before = sum(len(rows) for rows in at_the_rails(yard).values())
    town.sandbox("chaos", drop=0.5)
    asked = len(town.asked)
    town.ask(8, kinds=("loads",))
    accepted = len(town.asked) - asked

    def surplus() -> int:
        yard.sql("update banking_banktransfer set due_at = clock_timestamp() where status in ('unknown', 'queued')")
        return max(0, sum(len(rows) for rows in at_the_rails(yard).values()) - before - accepted)

    doubled = 0
    with contextlib.suppress(AssertionError):
        doubled = wait_until(surplus, "a transfer that is there twice", 90)
    town.sandbox("chaos")
    report.control("one key for all tries", failed=doubled > 0, how=f"{doubled} transfers too many at the rail, of {accepted}")
