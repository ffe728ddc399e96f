"""Who may do what: the table cell by cell, at the database and at the site; and who is on the staff."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import Client

from bench.campaigns import ground
from console import services
from console.admin.actions import Action
from console.services import ROLES
from console.site import site
from core import staff
from core.actor import actor
from core.errors import Conflict, Forbidden, NotFound
from tests.conftest import Database
from tests.console.conftest import PASSWORD, Desk, code
from tests.stack import wait_until

REASON = "the quarterly review of rights"
# What is in the catalogue of the database and is asked for with a name that depends on what is done.
CATALOGUE = "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace and prosrc ~ 'console_acted\\('"
# Tables that staff's functions write and that need no before and after, with the reason.
UNWATCHED = {
    "core_outbox": "wake-ups", "banking_reconciliationwish": "a wish, whose action says it all",
    "transparency_wish": "a wish, whose action says it all", "console_actionrecord": "the action itself",
    "compliance_sanctionsrun": "what a comparison counts", "compliance_letter": "what the person was told, never changed",
}  # fmt: skip


def names(source: str) -> set[str]:
    """The names that a function calls console_acted with, also where it chooses one."""
    found = set()
    for call in re.findall(r"console_acted\((.*?);", source, re.S):
        first = call if call.lstrip().upper().startswith("CASE") else call.split(",")[0]
        if first.lstrip().upper().startswith("CASE"):
            first = first[: first.upper().index("END")]
            found |= set(re.findall(r"(?:THEN|ELSE)\s+'([a-z_.]+)'", first))
        else:
            found |= set(re.findall(r"^\s*'([a-z_.]+)'", first))
    return found


def table(database: Database) -> dict[str, set[str]]:
    rows = database.as_superuser("select action, array_agg(role) from console_permission group by action")
    return {action: set(roles) for action, roles in rows}


def actions() -> Iterator[tuple[str, type[Action], bool]]:
    """Every action of the site: the model of its page, itself, and whether it is one of a row."""
    for model, page in site._registry.items():
        for action in getattr(page, "staff_actions", ()):
            yield str(model._meta.model_name), action, True
        for action in getattr(page, "list_actions", ()):
            yield str(model._meta.model_name), action, False


def test_every_name_in_the_catalogue_has_its_rows(database: Database) -> None:
    known = set().union(*(names(source) for _, source in database.as_superuser(CATALOGUE)))
    assert len(known) >= 40
    assert known - table(database).keys() == set()
    assert {action.acts for _, action, _ in actions()} - table(database).keys() == set()


def test_what_staffs_functions_write_is_watched(database: Database) -> None:
    rows = database.as_superuser("select tgrelid::regclass::text from pg_trigger where tgname = 'console_trail'")
    watched = {row[0] for row in rows}
    written = {
        table.lower()
        for _, source in database.as_superuser(CATALOGUE)
        for table in re.findall(r"(?:INSERT INTO|\bUPDATE|DELETE FROM)\s+([a-z]+_[a-z]+)\b", source)
    }
    assert len(watched) >= 15
    assert written - watched - UNWATCHED.keys() - {"console_trail"} == set()


@pytest.mark.parametrize("role", ROLES)
def test_the_database_obeys_the_table_cell_by_cell(database: Database, role: str) -> None:
    database.as_superuser(
        "create function banking_probe(p_action text) returns text language plpgsql security definer"
        " set search_path = pg_catalog, public, pg_temp as $$ begin"
        " perform console_acted(p_action, 'x', 'A probe.', 'a good enough reason'); return 'done'; end $$;"
        " alter function banking_probe(text) owner to paya_engine; grant execute on function banking_probe(text) to paya_staff"
    )
    with database.role("worker"):
        services.create_staff(email="one@staff.example", roles=[role], password=PASSWORD, secret=bytes(range(20)))
    [(me,)] = database.as_superuser("select id from users_user where email = 'one@staff.example'")
    may, rows = set(), table(database)
    with database.role("staff"), actor(me):
        for action in rows:
            try:
                staff.call("banking_probe", [action], staff_id=me)
                may.add(action)
            except Forbidden:
                pass
        assert staff.allowed() == may
    assert may == {action for action, roles in rows.items() if role in roles}


@pytest.mark.parametrize("role", ROLES)
def test_the_site_obeys_it_too(database: Database, staff_site: Database, role: str) -> None:
    with database.role("worker"):
        services.create_staff(email="one@staff.example", roles=[role], password=PASSWORD, secret=bytes(range(20)))
    desk = Desk(Client())
    assert desk.try_in(email="one@staff.example").status_code == 302
    rows = table(database)
    wrong = []
    for model, action, of_row in actions():
        address = f"/admin/console/{model}/{'1/' if of_row else ''}do/{action.name}/"
        refused = desk.get(address).status_code == 403
        if refused == (role in rows[action.acts]):
            wrong.append((address, action.acts, role))
        if not of_row and role not in rows[action.acts]:
            assert address not in desk.get(f"/admin/console/{model}/").content.decode(), (address, role)
    assert wrong == []
    assert (desk.get("/admin/console/trailentry/").status_code == 200) == (role in rows["trail.view"])
    assert (desk.get("/admin/console/personview/").status_code == 200) == (role in rows["trail.view"])
    page = desk.get("/admin/roles/").content.decode()
    assert all(f">{action}<" in page for action in rows)


def test_the_documents_table_is_the_databases(database: Database) -> None:
    lines = (settings.BASE_DIR / "docs" / "console.md").read_text().splitlines()
    shown = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 1 + len(ROLES):
            shown[cells[0].strip("`")] = {role for role, cell in zip(ROLES, cells[1:], strict=True) if cell}
    assert shown == table(database)


# ------------------------------------------------------------------------------------------------ the staff
def test_administrators_change_others_and_nobody_themself(database: Database, account: int, staff_site: Database) -> None:
    with database.role("worker"):
        services.create_staff(email="one@staff.example", roles=["support"], password=PASSWORD, secret=bytes(range(20)))
    ids = dict(database.as_superuser("select email, public_id from users_user where kind = 'staff'"))
    me, one = ids["ada@staff.example"], ids["one@staff.example"]
    [(other,)] = database.as_superuser("select id from users_user where public_id = %s", [one])
    for change in (
        lambda who: services.set_roles(member=who, roles=["finance"], staff_id=account, reason=REASON),
        lambda who: services.set_active(member=who, active=False, staff_id=account, reason=REASON),
    ):
        with pytest.raises(Conflict):
            change(me)
        with pytest.raises(NotFound):
            change("usr_nobody")
    with pytest.raises(Forbidden):
        services.set_roles(member=one, roles=["administrator"], staff_id=other, reason=REASON)
    for sql in ("insert into console_staffrole values (%s, 'finance')", "delete from console_staffrole where user_id = %s"):
        with pytest.raises(DatabaseError, match="permission denied"), actor(other), connection.cursor() as cursor:
            cursor.execute(sql, [other])


def test_whoever_is_demoted_or_deactivated_loses_at_once(database: Database, account: int, staff_site: Database) -> None:
    with database.role("worker"):
        services.create_staff(email="one@staff.example", roles=["finance"], password=PASSWORD, secret=bytes(range(20)))
    [(one,)] = database.as_superuser("select public_id from users_user where email = 'one@staff.example'")
    desk = Desk(Client())
    assert desk.try_in(email="one@staff.example").status_code == 302
    address = "/admin/console/correction/do/fund/"
    assert desk.get(address).status_code == 200
    services.set_roles(member=one, roles=["support"], staff_id=account, reason=REASON)
    assert desk.get("/admin/console/break/do/reconcile/").status_code in (403, 404)
    assert desk.get("/admin/console/railchoice/do/choose/").status_code == 403
    services.set_active(member=one, active=False, staff_id=account, reason=REASON)
    assert not desk.is_in


def test_the_pages_of_staff_and_trail_say_it(desk: Desk, database: Database, account: int) -> None:
    with database.role("worker"):
        services.create_staff(email="one@staff.example", roles=["support"], password=PASSWORD, secret=bytes(range(20)))
    [(one,)] = database.as_superuser("select public_id from users_user where email = 'one@staff.example'")
    page = f"/admin/console/member/{one}/"
    shown = desk.post(f"{page}do/roles/", roles=["support", "auditor"], reason=REASON).content.decode()
    assert "one@staff.example has these roles at once: support, auditor." in shown
    digest = re.search(r'name="shown" value="(\w+)"', shown)
    assert digest
    done = desk.post(f"{page}do/roles/", roles=["support", "auditor"], reason=REASON, shown=digest[1])
    assert done.status_code == 302
    assert "auditor, support" in desk.get(f"{page}change/").content.decode()
    trail = desk.get("/admin/console/trailentry/").content.decode()
    assert "staff.roles" in trail
    entry = desk.get("/admin/console/trailentry/1/change/").content.decode()
    assert "console_staffrole" in entry
    assert "role auditor" in entry


# ------------------------------------------------------------------------------------------------ sessions
def test_what_moves_money_takes_a_fresh_code(desk: Desk, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from console import middleware
    from console.admin import actions as asked

    address = "/admin/console/correction/do/fund/"
    assert desk.get(address).status_code == 200  # logged in just now
    real = asked.time.time
    monkeypatch.setattr(asked.time, "time", lambda: real() + settings.STAFF_FRESH_SECONDS + 31)
    for answer in (desk.get(address), desk.post(address, amount="5", reason=REASON)):
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/again/?next={address.replace('/', '%2F')}")
    assert desk.post("/admin/again/", code="000000", next=address).status_code == 400
    assert desk.get(address).status_code == 302
    token = code(round((settings.STAFF_FRESH_SECONDS + 31) / 30))
    done = desk.post("/admin/again/", code=token, next=address)
    assert (done.status_code, done["Location"]) == (302, address)
    assert desk.get(address).status_code == 200
    assert desk.post("/admin/again/", code=token, next=address).status_code == 400  # a code is good once
    assert middleware.FRESH in desk.client.session


def test_a_fresh_code_leads_nowhere_else(desk: Desk) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example/admin/", "/elsewhere", ""):
        page = desk.get("/admin/again/", next=elsewhere).content.decode()
        assert 'name="next" value="/admin/"' in page


def test_a_session_ends_after_idling_and_after_a_shift(desk: Desk, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from console import middleware

    assert settings.SESSION_COOKIE_AGE == 900
    assert settings.SESSION_SAVE_EVERY_REQUEST
    real = middleware.time.time
    monkeypatch.setattr(middleware.time, "time", lambda: real() + settings.STAFF_ABSOLUTE_SECONDS - 60)
    assert desk.is_in
    monkeypatch.setattr(middleware.time, "time", lambda: real() + settings.STAFF_ABSOLUTE_SECONDS + 60)
    assert not desk.is_in


# ------------------------------------------------------------------------------------------------ at once
def made(database: Database, name: str, *roles: str) -> tuple[int, str]:
    with database.role("worker"):
        services.create_staff(email=f"{name}@staff.example", roles=roles, password=PASSWORD, secret=bytes(range(20)))
    found = database.as_superuser("select id, public_id from users_user where email = %s", [f"{name}@staff.example"])
    return int(found[0][0]), str(found[0][1])


def take_each_others_role(database: Database) -> list[str]:
    """Two administrators, at once: both have begun before either could go on. What each of them was told, "" for a yes."""
    one, two = made(database, "one", "administrator"), made(database, "two", "administrator")
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and classid = 720202 and not granted"
    raw = database.connect_as_superuser()
    with raw.cursor() as cursor, ThreadPoolExecutor(2) as pool:
        cursor.execute("select pg_advisory_lock(720202, 1)")  # the trail's, for which all of the staff wait
        running = [pool.submit(_take, database, who[0], whose[1]) for who, whose in ((one, two), (two, one))]
        wait_until(lambda: database.as_superuser(waiting)[0][0] == 2, "both of them at the lock")
        cursor.execute("select pg_advisory_unlock(720202, 1)")
        answers = [each.result() for each in running]
    raw.close()
    return answers


def _take(database: Database, who: int, whose: str) -> str:
    raw = database.connect("staff")
    try:
        with raw.cursor() as cursor:
            cursor.execute("set lock_timeout = '60s'; begin; select set_config('paya.actor', %s, true)", [str(who)])
            cursor.execute("select console_set_roles(%s, '{support}', %s)", [whose, REASON])
            cursor.execute("commit")
            return ""
    except psycopg2.Error as refusal:
        return str(refusal.diag.message_primary)
    finally:
        raw.close()


ADMINISTRATORS = "select count(*) from console_staffrole where role = 'administrator'"


def test_of_two_administrators_who_take_each_others_role_at_once_one_remains(database: Database, staff_site: Database) -> None:
    assert sorted(take_each_others_role(database)) == ["", "None of your roles may do this (staff.roles)."]
    assert database.as_superuser(ADMINISTRATORS) == [(1,)]


def test_if_roles_were_asked_before_the_lock_none_would(database: Database, staff_site: Database) -> None:
    """The control: both were administrators when they were asked."""
    ground.change(database, "console_acted", r"PERFORM pg_advisory_xact_lock\(720202, 1\);", "")
    assert take_each_others_role(database) == ["", ""]
    assert database.as_superuser(ADMINISTRATORS) == [(0,)]


LOCKS = re.compile(r"\bFOR (?:NO KEY )?UPDATE\b|\bUPDATE \w|\bINSERT INTO\b|\bDELETE FROM\b|_guard\(|_locked_\w+\(")


def locking_first(database: Database) -> list[str]:
    """Functions of staff's that lock something before they have the trail's lock."""
    return [name for name, source in database.as_superuser(CATALOGUE) if LOCKS.search(source[: source.index("console_acted(")])]


def test_the_trails_lock_comes_before_every_other(database: Database) -> None:
    """Whoever held a row and waited for the trail would wait for somebody who has the trail and waits for that row."""
    assert locking_first(database) == []
    read = "FROM banking_return WHERE id = p_return"
    ground.change(database, "banking_lift_restriction", f"{read};", f"{read} FOR UPDATE;")  # the control
    assert locking_first(database) == ["banking_lift_restriction"]
