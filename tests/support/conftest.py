from typing import Any

import pytest

from core.actor import SYSTEM, actor
from core.ids import new_id
from tests import one_database
from tests.conftest import Database
from users.models import User

as_web, database = one_database.as_web, one_database.database


def _member(database: Database, name: str) -> int:
    with database.role("worker"), actor(SYSTEM):
        made = User.objects.create(public_id=new_id("usr"), kind=User.STAFF, email=f"{name}@staff.example")
    if database.as_superuser("select to_regclass('console_staffrole') is not null")[0][0]:
        database.as_superuser(
            "insert into console_staffrole select %s, r from unnest('{support,compliance,finance}'::text[]) r", [made.pk]
        )
    return int(made.pk)


@pytest.fixture(scope="module")
def ada(database: Database) -> int:
    return _member(database, "ada")


@pytest.fixture(scope="module")
def ben(database: Database) -> int:
    return _member(database, "ben")


@pytest.fixture(scope="module")
def funded(database: Database) -> None:
    """The account for adjustments holds 500.00 of the operators' own."""
    post: Any = "select ledger_post(gen_random_uuid(), %s::smallint, %s, %s, 50000)"
    database.as_superuser(post, [17, 1, 90])
    database.as_superuser(post, [20, 90, 100])
