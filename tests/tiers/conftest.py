"""People with documents, staff who look at them, and where documents lie."""

from pathlib import Path
from typing import Any

import pytest

from core.actor import SYSTEM, actor
from core.ids import new_id
from tests.conftest import Database
from tests.helpers import give_all_roles
from users.models import User


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    """A folder of the test's own."""
    settings.DOCUMENTS_FOLDER = str(tmp_path / "documents")
    settings.DOCUMENTS_S3 = ""
    return tmp_path / "documents"


@pytest.fixture
def staff_member(database: Database) -> int:
    with database.role("worker"), actor(SYSTEM):
        made = User.objects.create(public_id=new_id("usr"), kind=User.STAFF, email="desk@paya.example")
        return give_all_roles(made.pk)
