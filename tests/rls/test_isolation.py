"""Pooled connections, many people: nobody ever reads as somebody else."""

import itertools
import random
import threading
from typing import Any

import pytest
from django.db import connection, transaction

import core.actor
from core.actor import actor
from payments.models import Payment
from tests.conftest import Database, PersonForTest
from tests.helpers import Api
from tests.payments.people import person
from users.models import Device, User
from wallets.models import Wallet


@pytest.fixture(scope="module")
def people(database: Database) -> list[PersonForTest]:
    made = [person(database, 10_000) for _ in range(20)]
    for index, payer in enumerate(made):
        body = {"to": made[(index + 1) % 20].username, "amount": index + 1, "note": f"from {index}", "visibility": "private"}
        assert Api().post("/v1/payments", body, person=payer, key="k").status_code == 201
    return made


def read_as(one: PersonForTest) -> set[int]:
    """Whose rows come back when every personal table is read without a condition."""
    with actor(one.id):
        seen = set(User.objects.values_list("id", flat=True)) | set(Device.objects.values_list("user_id", flat=True))
        seen |= set(Wallet.objects.values_list("user_id", flat=True))
        for payer, payee in Payment.objects.values_list("payer_id", "payee_id"):
            seen |= {one.id} if one.id in (payer, payee) else {payer, payee}
    return seen


def thousand_reads(people: list[PersonForTest], threads: int = 3) -> int:
    """The number of reads, of about a thousand over `threads` connections, that saw somebody else's rows."""
    crossed, reads = itertools.count(), itertools.count()
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for turn in range(334):
                one = chance.choice(people)
                if turn % 10 == 0:
                    with pytest.raises(ZeroDivisionError), actor(one.id):
                        User.objects.count() / 0  # what a request leaves behind that broke half way
                if read_as(one) != {one.id}:
                    next(crossed)
                next(reads)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connection.close()

    running = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise failures[0]
    assert next(reads) == 334 * threads
    return next(crossed)


def test_a_thousand_interleaved_reads_and_none_is_somebody_elses(people):
    assert thousand_reads(people) == 0


def test_the_test_above_would_notice(people, monkeypatch: pytest.MonkeyPatch):
    """The control: an identity that stays with the connection, as a session setting would."""

    def once_per_connection(user_id: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "select set_config('paya.actor', coalesce(nullif(current_setting('paya.actor', true), ''), %s), false)",
                [str(user_id)],
            )

    monkeypatch.setattr(core.actor, "set_actor", once_per_connection)
    try:
        assert thousand_reads(people, threads=1) > 100
    finally:
        connection.close()


def test_the_api_answers_each_person_their_own(people):
    wallets = {}
    for one in people:
        with actor(one.id):
            wallets[one.id] = Wallet.objects.get().public_id
    wrong: list[Any] = []

    def work(seed: int) -> None:
        chance, api = random.Random(seed), Api()
        for _ in range(25):
            one = chance.choice(people)
            if api.get("/v1/wallet", person=one).json()["id"] != wallets[one.id]:
                wrong.append(one)
            for row in api.get("/v1/payments", person=one).json()["data"]:
                if one.username not in (row["from"]["username"], row["to"]["username"]):
                    wrong.append(row)

    from tests.helpers import at_once

    assert at_once(3, work) == [None] * 3
    assert wrong == []


def test_the_actor_ends_with_its_transaction(people):
    with actor(people[0].id):
        assert User.objects.count() == 1
    with pytest.raises(Exception, match="no actor"):
        User.objects.count()


def test_one_transaction_belongs_to_one_person(people):
    first, second = people[:2]
    with actor(first.id):
        with actor(first.id):
            assert User.objects.count() == 1
        with pytest.raises(RuntimeError, match="somebody else"), actor(second.id):
            pass
    with transaction.atomic(), actor(second.id):
        assert User.objects.get().id == second.id
    assert core.actor.current_actor() is None
