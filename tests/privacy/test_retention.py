"""How long things are kept: the job removes what is older, and nothing else; staff change it from a day on."""

import uuid
from datetime import timedelta

import pytest

from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import Conflict, NotFound
from privacy.services import exports, retention
from tests.conftest import Database, MakePerson
from tests.privacy.conftest import Stage

REASON = "Our counsel has asked for it."


def old_things(database: Database, user_id: int) -> None:
    """Of each kind something that is just too old, and something that is not."""
    for days in (400, 1):
        ago = f"now() - interval '{days} days'"
        database.as_superuser(f"""
            insert into console_logintry (email_index, address_index, succeeded, at)
                values ('\\x{uuid.uuid4().hex}', '\\x00', false, {ago});
            insert into console_staffsession (session_key, session_data, expire_date) values ('{uuid.uuid4().hex}', '', {ago});
            insert into users_device (public_id, user_id, name, user_agent, network, revoked_at)
                values ('dev_{uuid.uuid4().hex[:26]}', {user_id}, 'phone', 'Firefox', '203.0.113.0/24', {ago});
            insert into privacy_export (public_id, user_id, status, asked_at)
                values ('exp_{uuid.uuid4().hex[:26]}', {user_id}, 'expired', {ago});
        """)


def left(database: Database, user_id: int) -> list[int]:
    devices = f"users_device where user_id = {user_id} and network <> '' and revoked_at < now()"
    counts = ["console_logintry", "console_staffsession", devices, "privacy_export"]
    return [database.as_superuser(f"select count(*) from {table}")[0][0] for table in counts]


def prune(database: Database) -> dict[str, int]:
    with database.role("worker"):
        return retention.prune()


def test_what_is_too_old_goes_and_the_rest_stays(stage: Stage, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch):
    ann = make_person("ann")
    monkeypatch.setattr(retention, "BATCH", 1)
    for _ in range(3):
        old_things(stage.database, ann.id)
    assert left(stage.database, ann.id) == [6, 6, 6, 6]
    removed = prune(stage.database)
    # Sessions are kept for a week after their end, log-ins' tries for ninety days, the other two for a year.
    assert {name: removed[name] for name in ("login_tries", "staff_sessions", "devices", "exports")} == dict.fromkeys(
        ("login_tries", "staff_sessions", "devices", "exports"), 3
    )
    assert left(stage.database, ann.id) == [3, 3, 3, 3]
    assert set(prune(stage.database).values()) == {0}
    kept = dict(stage.database.as_superuser("select name, removed from privacy_retentionrun"))
    assert kept["devices"] == 3 and kept.keys() == {period.name for period in retention.PERIODS if period.pruned}


def test_what_fails_keeps_nothing_else_from_going(
    stage: Stage, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    ann = make_person("ann")
    old_things(stage.database, ann.id)
    # The first of the periods, and one in the middle, cannot be removed, as a bug or a lock would have it.
    stage.database.as_superuser("""
        create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
        create trigger refuse before delete on console_logintry for each row execute function refuse();
        create trigger refuse before update on users_device for each row execute function refuse();
    """)
    with pytest.raises(retention.NotPruned) as failure:
        prune(stage.database)
    assert failure.value.failed == ["login_tries", "devices"]
    assert left(stage.database, ann.id) == [2, 1, 2, 1]
    assert [record.key for record in caplog.records if record.message == "retention_failed"] == failure.value.failed  # type: ignore[attr-defined]
    went = {name for (name,) in stage.database.as_superuser("select name from privacy_retentionrun")}
    assert went == {period.name for period in retention.PERIODS if period.pruned} - {"login_tries", "devices"}
    stage.database.as_superuser("drop function refuse() cascade")
    assert prune(stage.database)["login_tries"] == 1


def test_a_copy_that_is_being_made_is_left_alone(stage: Stage, make_person: MakePerson):
    ann = make_person("ann")
    exports.ask(user_id=ann.id)
    stage.database.as_superuser("update privacy_export set asked_at = now() - interval '400 days'")
    assert prune(stage.database)["exports"] == 0


def test_a_new_period_counts_from_its_day_on(stage: Stage, make_person: MakePerson, staff: int):
    ann = make_person("ann")
    old_things(stage.database, ann.id)

    def change(name: str, days: int, begins: timedelta) -> None:
        with stage.database.role("staff"):
            retention.set_retention(name=name, days=days, begins=now() + begins, staff_id=staff, reason=REASON)

    change("exports", 500, timedelta(0))
    change("devices", 500, timedelta(days=1))
    removed = prune(stage.database)
    assert (removed["exports"], removed["devices"]) == (0, 1)
    for name, days, begins, error in (
        ("exports", 0, timedelta(0), Conflict), ("inbox", 59, timedelta(0), Conflict),
        ("exports", 30, -timedelta(days=2), Conflict), ("nothing", 30, timedelta(0), NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            change(name, days, begins)
    [(action, subject)] = stage.database.as_superuser(
        "select action, subject from console_actionrecord where action = 'retention.set' order by id desc limit 1"
    )
    assert (action, subject) == ("retention.set", "devices")


def test_only_the_worker_removes(stage: Stage):
    from django.db import DatabaseError, connection

    for role in ("web", "staff"):
        with stage.database.role(role), actor(SYSTEM), pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("select privacy_prune('devices', 1)")


@pytest.mark.parametrize(("name", "least"), [("records", 1826), ("disputes", 90), ("returns", 60)])
def test_what_the_law_wants_kept_is_not_kept_for_less(stage: Stage, staff: int, name: str, least: int):
    with stage.database.role("staff"):
        with pytest.raises(Conflict, match=f"It is {least} to"):
            retention.set_retention(name=name, days=least - 1, begins=now(), staff_id=staff, reason=REASON)
        retention.set_retention(name=name, days=least, begins=now(), staff_id=staff, reason=REASON)
