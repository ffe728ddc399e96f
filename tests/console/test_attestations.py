"""What staff see of attestations and reports, and do about them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.actor import SYSTEM, actor
from tests.attesting.conftest import Network, folders  # noqa: F401
from tests.conftest import Database
from tests.console.conftest import Desk, World
from tests.console.test_reconciliation import REASON, do, shown
from transparency import services
from transparency.models import Attestation
from transparency.proofs.attestation import epoch_of


@pytest.fixture
def attested(world: World, database: Database, folders: Any) -> int:  # noqa: F811
    """Today, and a report about it."""
    today = epoch_of(datetime.now(UTC))
    with database.role("worker"):
        Network(database, folders).bank_says(1)
        services.attest()
    with database.role("web"):
        services.complain(user_id=world.maya.id, epoch=today, step="root", expected=1_25, words="It was more")
    return today


def test_staff_see_how_far_a_day_has_got_and_what_was_reported(attested: int, desk: Desk, staff_site: Database) -> None:
    page = desk.get("/admin/console/attestation/").content.decode()
    assert "open" in page
    one = desk.get(f"/admin/console/attestation/{attested}/change/").content.decode()
    assert "custodian dwolla" in one
    assert "folder: " in one
    assert "site: " in one
    reports = desk.get("/admin/console/proofcomplaint/").content.decode()
    assert "@maya" in reports
    assert "root" in reports
    [(report,)] = staff_site.as_superuser("select id from transparency_complaint")
    done = do(desk, f"/admin/console/proofcomplaint/{report}/do/answer/")
    assert done.status_code == 302, done.content.decode()
    [(answered, recorded)] = staff_site.as_superuser(
        "select answered_at is not null, (select reason from console_actionrecord where action = 'complaint.answer')"
        " from transparency_complaint"
    )
    assert (answered, recorded) == (True, REASON)


def test_a_second_text_for_a_day_is_refused_in_words(attested: int, desk: Desk) -> None:
    answer = desk.post("/admin/console/attestation/do/attest/", reason=REASON)
    assert "Today has its attestation" in answer.content.decode()


def test_staff_ask_for_todays_and_the_worker_makes_it(
    world: World, desk: Desk, staff_site: Database, folders: Any  # noqa: F811
) -> None:
    with staff_site.role("worker"):
        Network(staff_site, folders).bank_says(1)
    path = "/admin/console/attestation/do/attest/"
    done = desk.post(path, reason=REASON, shown=shown(desk.post(path, reason=REASON)))
    assert done.status_code == 302, done.content.decode()
    with staff_site.role("worker"):
        assert services.carry_out_wishes() == 1
        with actor(SYSTEM):
            assert Attestation.objects.get().opened_at is not None
    assert staff_site.as_superuser("select outcome from transparency_wish") == [("done",)]
