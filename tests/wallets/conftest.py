from collections.abc import Iterator
from typing import Any

import pytest

from core import keyring
from tests.conftest import Database, cloned_database


@pytest.fixture(scope="module")
def database(django_db_blocker: Any) -> Iterator[Database]:
    """A database for each file; the process is web."""
    keyring.forget_cached_keys()
    with cloned_database() as clone, django_db_blocker.unblock():
        clone.become("web")
        yield clone
    keyring.forget_cached_keys()


@pytest.fixture(autouse=True)
def _as_web(database: Database) -> None:
    if database.current != "web":
        database.become("web")
