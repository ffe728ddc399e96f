"""The books under test: a database for each file, as the worker, the one role that may call raw posting."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Database, cloned_database
from tests.ledger.books import ALONE


@pytest.fixture(scope="module")
def database(django_db_blocker: Any) -> Iterator[Database]:
    with cloned_database() as clone, django_db_blocker.unblock():
        clone.as_superuser(ALONE)
        clone.become("worker")
        yield clone


@pytest.fixture(autouse=True)
def _as_worker(database: Database) -> None:
    if database.current != "worker":
        database.become("worker")
