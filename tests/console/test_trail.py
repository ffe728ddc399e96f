"""The trail: what is in it, that nobody changes it, and that whoever does so with the keys to the machine is found."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from console import services, trail
from core import resilience, staff
from core.actor import SYSTEM, actor
from core.errors import Conflict, Forbidden
from tests.conftest import Database
from tests.keys.conftest import aws as aws  # fixtures
from tests.keys.conftest import aws_server as aws_server
from transparency.attesting.channels import Bucket, Folder
from transparency.errors import PublishedOtherwise

REASON = "the quarterly review of rights"


def member(database: Database, name: str, *roles: str) -> tuple[int, str]:
    """Number and public id of a new member of staff."""
    email = f"{name}@staff.example"
    with database.role("worker"):
        services.create_staff(email=email, roles=roles, password="correct horse battery", secret=bytes(range(20)))
    [(number, public)] = database.as_superuser("select id, public_id from users_user where email = %s", [email])
    return int(number), str(public)


@pytest.fixture
def admin(database: Database) -> int:
    return member(database, "ada", "administrator")[0]


def act(database: Database, admin: int, who: str, *roles: str) -> None:
    with database.role("staff"):
        staff.call("console_set_roles", [who, list(roles), REASON], staff_id=admin)


@pytest.fixture
def acted(database: Database, admin: int) -> Database:
    """A trail of six actions and their changes."""
    _, who = member(database, "bob")
    for roles in (["support"], ["finance"], [], ["support", "auditor"], ["support"], ["compliance"]):
        act(database, admin, who, *roles)
    return database


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.TRAIL_FOLDER, settings.TRAIL_S3 = str(tmp_path / "anchors"), ""
    return tmp_path / "anchors"


def anchored(database: Database, at: datetime | None = None) -> int:
    with database.role("worker"):
        return trail.anchor(at=at)


def verified(database: Database) -> str:
    out = StringIO()
    with database.role("auditor"):
        call_command("verify_trail", stdout=out, stderr=out)
    return out.getvalue()


def found(database: Database) -> trail.Findings:
    with database.role("auditor"):
        return trail.verify()


def tamper(database: Database, *statements: str) -> None:
    """As only somebody with the keys to the machine could: no trigger fires, no policy binds."""
    raw = database.connect_as_superuser()
    try:
        with raw.cursor() as cursor:
            cursor.execute("set session_replication_role = replica")
            for statement in statements:
                cursor.execute(statement)
    finally:
        raw.close()


# ------------------------------------------------------------------------------------------------ what is in it
def test_an_action_has_before_and_after_who_why_which_request_and_the_ledgers_head(database: Database, admin: int) -> None:
    _, who = member(database, "bob", "support")
    with database.role("staff"), actor(admin):
        with connection.cursor() as cursor:
            cursor.execute("select set_config('paya.request', 'req_1', true)")
        staff.call("console_set_active", [who, False, REASON], staff_id=admin)
        staff.call("console_set_roles", [who, ["finance"], REASON], staff_id=admin)
    rows = database.as_superuser(
        "select id, kind, of_action, staff_id, action, subject, what, reason, request_id, before, after, block_height"
        " from console_trail order by id"
    )
    bob = database.as_superuser("select id from users_user where public_id = %s", [who])[0][0]
    assert rows == [
        (1, "action", None, admin, "staff.deactivate", who, "May not come in any more.", REASON, "req_1", None, None, 0),
        (2, "change", 1, admin, "staff.deactivate", who, "users_user", "", "req_1", {"is_active": True}, {"is_active": False}, 0),
        (3, "action", None, admin, "staff.roles", who, "Roles: finance.", REASON, "req_1", None, None, 0),
        (4, "change", 3, admin, "staff.roles", str(bob), "console_staffrole", "", "req_1", {"role": "support"}, None, 0),
        (5, "change", 3, admin, "staff.roles", str(bob), "console_staffrole", "", "req_1", None, {"role": "finance"}, 0),
    ]


def test_what_is_refused_leaves_nothing_and_the_chain_goes_on(database: Database, admin: int) -> None:
    number, who = member(database, "bob", "support")
    act(database, admin, who, "finance")
    for staff_id, roles, refusal in ((number, ["administrator"], Forbidden), (admin, ["astronaut"], Conflict)):
        with database.role("staff"), pytest.raises(refusal):
            staff.call("console_set_roles", [who, roles, REASON], staff_id=staff_id)
    act(database, admin, who)
    assert found(database).problems == []
    assert database.as_superuser("select count(*) from console_trail where kind = 'action'") == [(2,)]


def test_only_what_belongs_to_the_action_is_caught(database: Database, admin: int) -> None:
    """Whoever merely says that an action is open adds nothing to the trail."""
    _, who = member(database, "bob", "support")
    act(database, admin, who, "finance")
    before = database.as_superuser("select count(*) from console_trail")
    with database.role("worker"), actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select set_config('paya.acting', '1', true)")
        cursor.execute("delete from console_staffrole where role = 'finance'")
    assert database.as_superuser("select count(*) from console_trail") == before


@pytest.mark.parametrize("column", ["password", "phone_cipher", "phone_index", "nothing"])
def test_what_is_secret_is_never_watched(database: Database, column: str) -> None:
    with pytest.raises(psycopg2.Error, match="not for the trail|has no column"):
        database.as_superuser("select console_watch('users_user', 'public_id', %s)", [column])


def test_at_once_they_stand_one_after_the_other(database: Database, admin: int) -> None:
    from tests.helpers import at_once

    whos = [member(database, f"m{n}")[1] for n in range(4)]
    with database.role("staff"):
        at_once(4, lambda n: staff.call("console_set_roles", [whos[n], ["support"], REASON], staff_id=admin))
    assert found(database).problems == []
    assert database.as_superuser("select count(*), max(id) from console_trail") == [(8, 8)]


def test_what_was_recorded_before_there_was_a_trail_comes_into_it_and_staff_keep_their_rights(acted: Database) -> None:
    tamper(acted, "delete from console_trail", "delete from console_staffrole")
    sql = (settings.BASE_DIR / "console" / "sql" / "0014_trail.sql").read_text()
    with acted.role("owner"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql[sql.rindex("-- ------") :])
    assert found(acted).problems == []
    rows = acted.as_superuser(
        "select t.record, t.reason, t.at = r.at from console_trail t join console_actionrecord r on r.id = t.record"
    )
    assert sorted(rows) == [(n, REASON, True) for n in range(1, 7)]
    assert acted.as_superuser("select count(*) from console_staffrole") == [(10,)]


# ------------------------------------------------------------------------------------------------ nobody changes it
ID = {"console_trailanchor": "position = position", "console_personview": "kind = kind"}


def refused_or_nothing(database: Database, role: str, statement: str) -> bool:
    """The owner, whom policies bind as well, sees no row to change; everybody else has no right."""
    raw = database.connect(role)
    try:
        with raw.cursor() as cursor:
            cursor.execute("select set_config('paya.actor', '0', false)")
            cursor.execute(statement)
            return role == "owner" and cursor.rowcount == 0
    except psycopg2.Error as error:
        return bool(re.search("permission denied|is refused|read-only", str(error)))
    finally:
        raw.close()


@pytest.mark.parametrize("role", ["web", "worker", "staff", "auditor", "demo", "owner"])
@pytest.mark.parametrize("table", ["console_trail", "console_personview", "console_trailanchor", "console_actionrecord"])
def test_no_role_of_the_application_changes_or_removes(database: Database, role: str, table: str) -> None:
    for statement in (f"update {table} set id = id", f"delete from {table}", f"truncate {table} cascade"):
        assert refused_or_nothing(database, role, statement.replace("id = id", ID.get(table, "id = id")))


def test_triggers_hold_even_the_superuser_who_forgets_to_disable_them(acted: Database, folder: Path) -> None:
    anchored(acted)
    for statement in (
        "update console_trail set reason = ''", "delete from console_trail where id = 12", "truncate console_trail cascade",
        "update console_trailanchor set note = ''", "delete from console_trailanchor", "truncate console_trailanchor",
    ):  # fmt: skip
        with pytest.raises(psycopg2.Error, match="is refused"):
            acted.as_superuser(statement)


# ------------------------------------------------------------------------------------------------ who does is found
REHASH = "update console_trail t set hash = console_trail_hash(t) where id = 5"
TAMPERED: dict[str, tuple[list[str], int]] = {
    "edit": (["update console_trail set reason = 'something else' where id = 5"], 5),
    "edit of what was there before": (["""update console_trail set before = '{"role": "auditor"}' where id = 4"""], 4),
    "edit with its hash made anew": (["update console_trail set what = 'x' where id = 5", REHASH], 5),
    "deletion": (["delete from console_trail where id = 5"], 5),
    "deletion, and the rest moved up": (
        ["delete from console_trail where id = 5", "update console_trail set id = id - 1 where id > 5"], 5,
    ),
    "another order": (
        ["update console_trail set id = case id when 5 then 107 else 105 end where id in (5, 7)",
         "update console_trail set id = id - 100 where id > 100"], 5,
    ),
    "a tail that was cut": (["delete from console_trail where id > 9"], 10),
    "a tail that was cut with its records": (
        ["delete from console_actionrecord where id in (select record from console_trail where id > 9)",
         "delete from console_trail where id > 9"], 10,
    ),
    "a row put in": (
        ["insert into console_trail select 900, kind, of_action, at, staff_id, action, subject, what, reason, request_id, before,"
         " after, null, block_height, block_hash, transaction, sha256('a'), sha256('b') from console_trail where id = 1"], 16,
    ),
    "another ledger": (["update console_trail set block_height = 3 where id = 5"], 5),
    "a record that pages show": (["update console_actionrecord set reason = 'another reason' where id = 2"], 3),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
def test_whoever_tampers_is_found_at_the_first_bad_row(acted: Database, folder: Path, how: str) -> None:
    anchored(acted)
    assert acted.as_superuser("select max(id) from console_trail") == [(15,)]
    assert "The trail is whole: 15 entries, 1 anchors up to entry 15" in verified(acted)  # the control
    statements, first = TAMPERED[how]
    tamper(acted, *statements)
    with pytest.raises(CommandError, match=rf"The first bad entry is {first}\."):
        verified(acted)


def test_a_chain_that_was_made_anew_to_its_end_is_found_by_the_anchor_alone(acted: Database, folder: Path) -> None:
    again = (
        "do $$ declare e console_trail; last bytea := decode(repeat('00', 32), 'hex'); begin"
        " update console_actionrecord set reason = 'another good reason' where id = 2;"
        " update console_trail set reason = 'another good reason' where record = 2;"
        " for e in select * from console_trail order by id loop e.previous := last; last := console_trail_hash(e);"
        " update console_trail set previous = e.previous, hash = last where id = e.id; end loop; end $$"
    )
    anchored(acted)
    tamper(acted, again)
    assert found(acted).first_bad == 15
    for file in folder.iterdir():
        file.unlink()
    tamper(acted, "delete from console_trailanchor")
    assert found(acted).problems == []  # the control: without anchors nobody can tell


def test_a_cut_tail_is_found_by_the_anchor_alone(acted: Database, folder: Path) -> None:
    anchored(acted)
    tamper(acted, *TAMPERED["a tail that was cut with its records"][0])
    assert found(acted).first_bad == 10
    tamper(acted, "delete from console_trailanchor")
    assert found(acted).first_bad == 10  # whoever cleans up in the database does not reach what is outside
    for file in folder.iterdir():
        file.unlink()
    assert found(acted).problems == []  # the control


def test_a_tampered_or_missing_anchor_is_said(acted: Database, folder: Path) -> None:
    early, who = datetime(2026, 5, 1, tzinfo=UTC), member(acted, "eve")[1]
    admin = acted.as_superuser("select id from users_user where email = 'ada@staff.example'")[0][0]
    for hours in range(3):
        act(acted, admin, who, *[["support"], ["finance"], []][hours])
        assert anchored(acted, early + timedelta(hours=hours)) == 1
    names = sorted(file.name for file in folder.iterdir())
    assert names == ["trail-00000001.txt", "trail-00000002.txt", "trail-00000003.txt"]
    assert found(acted).problems == []
    second = folder / names[1]
    was = second.read_bytes()
    second.write_bytes(was.replace(b"entry 20", b"entry 19"))
    with pytest.raises(CommandError, match="No entry is bad, but its anchors are"):
        verified(acted)
    assert found(acted).problems == ["anchor 2 in the folder is not what was signed"]
    second.unlink()
    assert found(acted).problems == ["anchor 2 is not in the folder"]
    second.write_bytes((folder / names[0]).read_bytes())
    assert "does not follow" in found(acted).problems[0]


# ------------------------------------------------------------------------------------------------ anchors
def test_one_anchor_an_interval_however_often_and_with_the_same_bytes_after_a_crash(
    acted: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    put = Folder.put

    def crash(self: Folder, file: str, content: bytes) -> str:
        put(self, file, content)
        raise KeyboardInterrupt

    monkeypatch.setattr(Folder, "put", crash)
    with pytest.raises(KeyboardInterrupt):
        anchored(acted, at)
    [(note, published)] = acted.as_superuser("select note, published_at from console_trailanchor")
    assert published is None
    assert (folder / "trail-00000001.txt").read_bytes() == bytes(note)
    monkeypatch.undo()
    assert [anchored(acted, at), anchored(acted, at), anchored(acted, at + timedelta(hours=1))] == [1, 0, 0]  # nothing new
    assert len(list(folder.iterdir())) == 1
    assert (folder / "trail-00000001.txt").read_bytes() == bytes(note)
    assert "1 anchors" in verified(acted)


def test_an_altered_trail_is_not_signed_and_another_text_is_not_laid_over_it(acted: Database, folder: Path) -> None:
    at, who = datetime(2026, 5, 1, tzinfo=UTC), member(acted, "eve")[1]
    admin = acted.as_superuser("select id from users_user where email = 'ada@staff.example'")[0][0]
    anchored(acted, at)
    act(acted, admin, who, "support")
    tamper(acted, "update console_trail set reason = 'something else' where id = 16")
    with pytest.raises(trail.Altered, match="entry 16"):
        anchored(acted, at + timedelta(hours=1))
    tamper(acted, "update console_trailanchor set published_at = null")
    (folder / "trail-00000001.txt").write_bytes(b"another text")
    with pytest.raises(PublishedOtherwise):
        anchored(acted, at)


def test_a_bucket_with_object_lock_keeps_the_first_anchor(acted: Database, aws: Any, settings: Any) -> None:
    settings.ATTESTATION_S3_ENDPOINT = aws.url
    settings.TRAIL_FOLDER, settings.TRAIL_S3 = "", "s3://board/trail"
    client = aws.client("s3")
    client.create_bucket(Bucket="board", ObjectLockEnabledForBucket=True)
    try:
        assert anchored(acted) == 1
        key = "trail/trail-00000001.txt"
        kept = client.head_object(Bucket="board", Key=key)
        assert kept["ObjectLockMode"] == "COMPLIANCE"
        client.put_object(Bucket="board", Key=key, Body=b"another text")  # a version above ours changes nothing
        assert "1 anchors up to entry 15" in verified(acted)
        tamper(acted, "delete from console_trail where id > 9", "delete from console_trailanchor")
        assert found(acted).first_bad == 10
        assert Bucket("s3://board/trail").read("trail-00000002.txt") is None
    finally:
        resilience.forget_failures()


# ------------------------------------------------------------------------------------------------ views
def test_a_view_is_kept_for_auditors_and_by_staff_alone(database: Database, admin: int) -> None:
    with database.role("staff"):
        with actor(admin):
            staff.viewed("person", "usr_1")
        support, _ = member(database, "bob", "support")
        for who, seen in ((admin, 1), (support, 0)):
            with actor(who), connection.cursor() as cursor:
                cursor.execute("select staff, kind, subject from console_viewed_by")
                assert cursor.fetchall() == [("ada@staff.example", "person", "usr_1")][:seen]
        person = database.as_superuser(
            "insert into users_user (password, is_superuser, public_id, kind, email, is_active)"
            " values ('x', false, 'usr_x', 'staff', 'x@staff.example', false) returning id"
        )[0][0]
        with pytest.raises(Forbidden), transaction.atomic(), actor(person):
            staff.viewed("person", "usr_1")
