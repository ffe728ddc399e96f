import pytest

from tests import one_database
from tests.conftest import Database
from tests.rls.test_matrix import _belongings
from tests.rls.world import Belongings

as_web, database = one_database.as_web, one_database.database


@pytest.fixture(scope="module")
def victim(database: Database) -> Belongings:
    """Somebody with one of everything."""
    return _belongings(database)


@pytest.fixture(scope="module")
def attacker(database: Database) -> Belongings:
    return _belongings(database)
