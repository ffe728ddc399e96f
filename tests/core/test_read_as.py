"""A read in one round trip: it sees what the person may see, and leaves no actor behind."""

from typing import Any

import pytest
from django.db import connection, transaction

from core.actor import current_actor, read_as

WALLETS = "select user_id from wallets_wallet"


def test_it_sees_the_rows_of_its_person_and_of_nobody_else(make_person: Any) -> None:
    sam, _ = make_person("sam"), make_person("tia")
    assert read_as(sam.id, WALLETS, []) == [(sam.id,)]


def test_the_actor_ends_with_the_read(make_person: Any) -> None:
    read_as(make_person("sam").id, WALLETS, [])
    assert current_actor() is None
    with connection.cursor() as cursor:
        cursor.execute("select nullif(current_setting('paya.actor', true), '')")
        assert cursor.fetchone()[0] is None


def test_it_refuses_to_lend_its_actor_to_an_open_transaction(make_person: Any) -> None:
    sam = make_person("sam")
    with transaction.atomic(), pytest.raises(RuntimeError):
        read_as(sam.id, WALLETS, [])
