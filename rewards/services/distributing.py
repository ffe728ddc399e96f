"""Paying a closed week: in chunks, each posted and gone past in one commit, so that whatever is killed goes on where it was."""

import logging
import time

from django.db import connection
from django.db.models import QuerySet

from core.actor import SYSTEM, actor
from core.outbox import emit
from ledger import services as ledger
from ledger.chart import Account, Kind
from ledger.errors import BatchRefused, typed_errors
from rewards.errors import ListAltered
from rewards.models import Reward, Run
from rewards.services.closing import database_time

log = logging.getLogger("paya.rewards")

CHUNK = 2_000
# After a refusal: few enough to be posted one by one while their wallets wait.
SMALL = 50
# The pause after a chunk, as a share of what it took and in seconds at most: those whose wallets it held get their turn.
REST, LONGEST_REST = 0.25, 0.01


def advance() -> None:
    """What is due, on every beat: distribute what was reviewed or has waited long enough, settle what could not be credited."""
    for run in _under_way().filter(distribute_at__lte=database_time()):
        distribute(run_id=run.pk)
    settle_owed()


def _under_way() -> "QuerySet[Run]":
    states = [Run.State.CLOSED, Run.State.DISTRIBUTING, Run.State.DISTRIBUTED]
    return Run.objects.filter(state__in=states, held=False, digest__isnull=False).order_by("starts_on")


def distribute_ready() -> list[Run]:
    """Distribute every closed week that is not held, without waiting longer: whoever asks for it has looked at it."""
    runs = list(_under_way())
    for run in runs:
        distribute(run_id=run.pk)
        run.refresh_from_db()
    return runs


def distribute(*, run_id: int) -> None:
    """Pay what is not paid yet of a run, and announce it. Returns early when it is held, or somebody else is at it.

    Raises ListAltered, and holds the run, when the list is not the one that was closed.
    """
    _begin(run_id)
    while (done := _chunk(run_id, CHUNK)) is not None and done > 0:
        pass
    _announce(run_id)


def _begin(run_id: int) -> None:
    """Whoever begins, or goes on after a crash, first looks whether the list is still the one that was closed."""
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "select digest = rewards_digest(id) from rewards_run where id = %s and state in ('closed', 'distributing')", [run_id]
        )
        row = cursor.fetchone()
        if row == (True,):
            Run.objects.filter(pk=run_id, state=Run.State.CLOSED, held=False).update(state=Run.State.DISTRIBUTING)
        elif row == (False,):
            Run.objects.filter(pk=run_id).update(held=True)
    if row == (False,):
        log.error("rewards_list_altered", extra={"count": run_id})
        raise ListAltered("The list of recipients does not hash to what was stored at the close. The run is held.")


def _chunk(run_id: int, limit: int) -> int | None:
    """Post the next people; how many. None when the run is not ours to go on with, 0 at its end."""
    started = time.monotonic()
    try:
        with actor(SYSTEM), connection.cursor() as cursor, typed_errors():
            cursor.execute("select rewards_post(%s, %s)", [run_id, limit])
            done: int | None = cursor.fetchone()[0]
    except BatchRefused:
        return _chunk(run_id, SMALL) if limit > SMALL else _one_by_one(run_id, limit)
    if done:
        time.sleep(min((time.monotonic() - started) * REST, LONGEST_REST))
    return done


def _one_by_one(run_id: int, limit: int) -> int | None:
    """The ledger refused one of these: post each for itself. Who cannot be credited stays owed."""
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select user_id, account, amount, reference from rewards_turn(%s, %s)", [run_id, limit])
        people = cursor.fetchall()
        if not people:
            return None
        postings = {
            user: ledger.Posting(reference, Kind.REWARD, Account.REWARDS_POOL, account, amount)
            for user, account, amount, reference in people
        }
        refused = {posting.reference: error for posting, error in ledger.post_each(list(postings.values()))}
        owed = [user for user, posting in postings.items() if posting.reference in refused]
        for error in refused.values():
            log.warning("reward_owed", extra={"cause": type(error).__name__})
        cursor.execute("select rewards_passed(%s, %s, %s, %s::bigint[])", [run_id, people[0][0], people[-1][0], owed])
    return len(people)


def _announce(run_id: int) -> None:
    """Everybody on the list had their turn: say so, once."""
    with actor(SYSTEM):
        changed = Run.objects.filter(pk=run_id, state=Run.State.DISTRIBUTED).update(
            state=Run.State.ANNOUNCED, announced_at=database_time()
        )
        if changed:
            emit("rewards.announced", run=run_id, week=Run.objects.values_list("week", flat=True).get(pk=run_id))


def settle_owed() -> int:
    """Credit what could not be credited before; how many could be now."""
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select run_id, user_id, account, amount, reference from rewards_owed(%s)", [CHUNK])
        owed = cursor.fetchall()
    settled = 0
    for run_id, user_id, account, amount, reference in owed:
        with actor(SYSTEM):
            # Whoever is second finds it settled, or its posting there already.
            row = Reward.objects.select_for_update(no_key=True).get(run_id=run_id, user_id=user_id)
            if row.settled_at is not None:
                continue
            posting = ledger.Posting(reference, Kind.REWARD, Account.REWARDS_POOL, account, amount)
            if ledger.post_each([posting]):
                continue
            Reward.objects.filter(run_id=run_id, user_id=user_id).update(settled_at=database_time())
            emit("rewards.credited", run=run_id, first=user_id, last=user_id)
            settled += 1
    return settled
