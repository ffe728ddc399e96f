"""News in every order, more than once: the balances at the end are the same.

The deliveries are the sandbox's own, for one transfer from its creation to its late failure. What makes it so is not the
order in which we look but that each look asks for the present state, that the database knows the legal moves, and that
each posting has one reference; the controls take these away.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError

from banking import rails
from banking.models import BankTransfer, InboxEvent
from banking.rails.port import RailTransfer
from banking.rails.stripe import subject_of
from banking.services import inbox, missed
from banking.services.transfers import outcomes
from core.actor import SYSTEM, actor
from tests.banking.sandbox import Bank
from tests.conftest import Database
from wallets import services as wallets

# What the rail shows at the time of each event of a load's life, and how often each level tells it.
LIFE = ("pending", "processed", "failed")


def events(life: tuple[str, ...]) -> list[str]:
    """Each state as told by both levels: no more than five events."""
    return [state for state in life for _ in range(2)][:5]


def show(row: BankTransfer, status: Any) -> RailTransfer:
    return RailTransfer(str(row.external_id), status, row.amount, "USD", str(row.rail_key), "R01" if status == "failed" else "")


class Rewind(Exception):
    """Ends a transaction so that the next order begins where this one began."""


def final_states(person: Any, row: BankTransfer, orders: Iterator[tuple[str, ...]]) -> set[tuple[Any, ...]]:
    """How the transfer and its person's money end, over orders of what the rail showed when it was asked."""
    ends = set()
    with person.database.role("worker"):
        for order in orders:
            with suppress(Rewind), actor(SYSTEM):
                for status in order:
                    outcomes.apply(row.pk, row.user_id, show(row, status), cause="webhook")
                ends.add((BankTransfer.objects.get(pk=row.pk).status, *cents(person)))
                raise Rewind
    return ends


def cents(person: Any) -> tuple[int, ...]:
    held = wallets.guard(user_id=person.person.id)
    return held.available, held.owed, held.pending_in, held.pending_out


# ------------------------------------------------------------------------ the sandbox's own deliveries, through the inbox
@pytest.mark.parametrize("rail", ["dwolla", "stripe"])
def test_every_order_of_the_deliveries_ends_the_same(
    linked: Callable[..., Any], choose: Any, bank: Bank, database: Database, monkeypatch: pytest.MonkeyPatch, rail: str
) -> None:
    """All orders of up to five deliveries for one load that fails late, each of them twice.

    Whenever one is worked on, the rail shows what is true by then: at least what the newest one that came tells of.
    """
    choose(rail)
    person = linked(name="R01-late")
    row = person.submit(person.load())
    bank.advance(6)
    part = str(row.external_id).encode()
    sent = bank.deliveries(DELIVERED[rail], path=f"/webhooks/{rail}", part=part)
    news = [events_of[rail](json.loads(each.body)) for each in sent]
    final = rails.rail(rail).status(transfer=str(row.external_id))
    assert (final.status, final.failure_code) == ("failed", "R01")
    five = sorted(news, key=lambda event: rank(event.topic), reverse=True)[:5]
    assert {rank(event.topic) for event in five} == {0, 1, 2}
    reached = [0]
    monkeypatch.setattr(type(rails.rail(rail)), "status", lambda self, transfer: replace(final, status=LIFE[reached[0]]))
    ends = set()
    with database.role("worker"):
        for order in itertools.permutations(five):
            reached[0] = 0
            with suppress(Rewind), actor(SYSTEM):
                for event in order + order:
                    reached[0] = max(reached[0], rank(event.topic))
                    if inbox.receive(event):
                        inbox.process(event_id=InboxEvent.objects.latest("pk").pk)
                assert set(InboxEvent.objects.values_list("outcome", flat=True)) == {"done"}
                ends.add((BankTransfer.objects.get(pk=row.pk).status in ("failed", "returned"), *cents(person)))
                raise Rewind
    assert ends == {(True, 0, 0, 0, 0)}


DELIVERED = {"dwolla": 6, "stripe": 3}
events_of: dict[str, Callable[[Any], Any]] = {
    "dwolla": missed.read,
    "stripe": lambda body: inbox.Event("stripe", body["id"], body["type"], {"resource_id": subject_of(body)[0]}),
}


def rank(topic: str) -> int:
    """How far a transfer had come when this was sent."""
    if topic.endswith(("failed", ".dispute.created", ".dispute.closed")):
        return 2
    return int(topic.endswith(("completed", "succeeded")))


# -------------------------------------------------------------- what was seen: stale answers, in every order, repeated
def test_every_order_of_what_was_seen_ends_in_the_same_balances(linked: Callable[..., Any], bank: Bank) -> None:
    """Five answers of the rail, stale ones last or first, each of them twice: whatever the timeline, nobody gains a cent."""
    person = linked()
    row = person.submit(person.load())
    seen = set(itertools.permutations(events(LIFE)))
    assert len(seen) == 30
    ends = final_states(person, row, (order + order for order in seen))
    # "Failed" seen first ends it there; seen after "processed" it is a return. The money is the same.
    assert {end[0] for end in ends} == {"failed", "returned"}
    assert {end[1:] for end in ends} == {(0, 0, 0, 0)}


def test_and_of_a_redemption(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked(money=50_00)
    linked().settled_load(50_00)
    row = person.submit(person.redeem(20_00))
    ends = final_states(person, row, (order + order for order in set(itertools.permutations(events(LIFE)))))
    assert {end[0] for end in ends} == {"failed", "returned"}
    assert {end[1:] for end in ends} == {(50_00, 0, 0, 0)}


def test_of_one_that_settles_or_is_taken_back(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    row = person.submit(person.load())
    settled = final_states(person, row, (order for order in set(itertools.permutations(events(("pending", "processed"))))))
    assert settled == {("settled", 50_00, 0, 0, 0)}
    cancelled = final_states(person, row, (order for order in set(itertools.permutations(events(("pending", "cancelled"))))))
    assert cancelled == {("cancelled", 0, 0, 0, 0)}


# ----------------------------------------------------------------------------------------------------------- controls
def test_without_the_care_for_what_is_over_an_order_would_mint(
    linked: Callable[..., Any], bank: Bank, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a service that acts on each answer as it comes, and a database that knows no legal moves."""
    person = linked()
    row = person.submit(person.load())

    def as_it_comes(transfer_id: int, user_id: int, shown: RailTransfer, *, cause: str) -> None:
        outcomes.wallets.guard(user_id=user_id)
        transfer = outcomes.locked(transfer_id)
        if shown.status == "processed":
            outcomes._settle(transfer, cause=cause, evidence={})
        elif shown.status == "failed":
            outcomes.undo(transfer, "failed", code="", cause=cause)

    monkeypatch.setattr(outcomes, "apply", as_it_comes)
    database.as_superuser("alter table wallets_wallet drop constraint wallet_pending_not_negative")
    with pytest.raises(DatabaseError, match="cannot follow"):  # the table of legal moves stops even that
        final_states(person, row, iter([("failed", "processed")]))
    database.as_superuser("alter table banking_banktransfer disable trigger banking_check_move")
    ends = final_states(person, row, iter([("processed", "failed"), ("failed", "processed")]))
    assert {end[1] for end in ends} != {0}
