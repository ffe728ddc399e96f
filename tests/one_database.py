"""A database for each file instead of each test: for tests that need new people, and not empty tables.

A folder says so in its conftest: `as_web, database = one_database.as_web, one_database.database`.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from core import keyring
from tests.conftest import Database, cloned_database


@pytest.fixture(scope="module")
def database(django_db_blocker: Any) -> Iterator[Database]:
    """The file's database; the process starts out as web."""
    keyring.forget_cached_keys()  # each clone numbers its keys from one
    with cloned_database() as clone, django_db_blocker.unblock():
        clone.become("web")
        yield clone
    keyring.forget_cached_keys()


@pytest.fixture(autouse=True)
def as_web(database: Database) -> None:
    """Each test begins as web, whoever the one before became."""
    if database.current != "web":
        database.become("web")
