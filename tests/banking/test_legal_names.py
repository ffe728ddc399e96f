"""Legal names against the sanctions list: when one is given, when the list changes, decided once for all, readable nowhere."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from banking import tasks
from banking.models import IdentityCheck
from banking.services import identity_checks, legal_names
from compliance.models import SanctionsHit
from compliance.services import sanctions
from core.actor import SYSTEM, actor
from tests.banking.test_identity_checks import LinkedTo, banked, fresh, work  # noqa: F401
from tests.compliance import lists
from tests.conftest import Database, MakePerson
from tests.helpers import at_once
from tests.privacy import dump
from users import services as users

REASON = "Compared with the passport."
MORE = '201,"OKONJIMA, Temperance",individual,"DEMO-4",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n'


@pytest.fixture
def take_in(database: Database, tmp_path: Path) -> Any:
    def take(more: str = "") -> None:
        entries = sanctions.read_files(sdn_file=lists.write(tmp_path, lists.SDN + more))
        with database.role("worker"):
            sanctions.import_list(entries=entries)

    take()
    return take


@pytest.fixture
def give(banked: LinkedTo) -> Any:  # noqa: F811
    """A person who goes by another name here gives a legal one."""

    def one(username: str, legal_name: str) -> IdentityCheck:
        person, _ = banked(username, owner=legal_name)
        return identity_checks.start(user_id=person.id, legal_name=legal_name)

    return one


def screen(database: Database) -> int:
    with database.role("worker"):
        sanctions.screen()
        return legal_names.screen()


def hits(database: Database, user_id: int) -> list[SanctionsHit]:
    with database.role("worker"), actor(SYSTEM):
        return list(SanctionsHit.objects.filter(user_id=user_id).order_by("id"))


def frozen(database: Database, user_id: int) -> int:
    return int(database.as_superuser("select frozen from wallets_wallet where user_id = %s", [user_id])[0][0])


def test_a_legal_name_that_is_listed_makes_a_case_and_stops_sending(give: Any, database: Database, take_in: Any) -> None:
    check, other = give("sunny", "Emil Anton Zarkhov"), give("cloud", "Maya Lindqvist")
    assert screen(database) == 2
    [hit] = hits(database, check.user_id)
    assert (hit.entry_id, hit.score, hit.strong, hit.state, hit.legal_name) == (101, 100, True, "open", True)
    assert (frozen(database, check.user_id), hits(database, other.user_id)) == (1, [])
    [[kind, summary]] = database.as_superuser("select kind, summary from compliance_case where user_id = %s", [check.user_id])
    assert (kind, summary) == ("sanctions", "Legal name like “ZARKHOV, Emil Anton” of the OFAC list (score 100)")
    assert screen(database) == 0  # compared once per list
    work(database)  # what the bank answers changes nothing
    assert (screen(database), len(hits(database, check.user_id))) == (0, 1)


def test_every_legal_name_counts_whatever_the_bank_answered(give: Any, database: Database, take_in: Any) -> None:
    check = give("moon", "Ada Lovelace")
    screen(database)
    database.as_superuser("update banking_identitycheck set status = 'not_matched', due_at = null, answered_at = now()")
    identity_checks.start(user_id=check.user_id, legal_name="Marisol Veltri Quinonez")
    screen(database)
    assert [hit.entry_id for hit in hits(database, check.user_id)] == [102]


def test_a_list_that_changes_is_compared_with_the_names_of_before(
    give: Any, database: Database, take_in: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(legal_names, "AT_ONCE", 1)  # in chunks
    checks = [give("star", "Temperance Okonjima"), give("comet", "Ada Lovelace")]
    screen(database)
    assert hits(database, checks[0].user_id) == []
    looked_in: list[int] = []
    matches = sanctions.names.Index.matches
    monkeypatch.setattr(sanctions.names.Index, "matches", lambda index, *of: looked_in.append(len(index)) or matches(index, *of))
    take_in(MORE)
    with database.role("worker"):
        assert legal_names.screen() == 2
    assert looked_in == [1, 1]  # only what is new on it
    assert [hit.entry_id for hit in hits(database, checks[0].user_id)] == [201]
    take_in()
    screen(database)
    assert [hit.state for hit in hits(database, checks[0].user_id)] == ["gone"]


def test_a_false_positive_is_cleared_once_for_all(give: Any, database: Database, take_in: Any, staff_member: int) -> None:
    check = give("pearl", "Marisol Veltri")
    screen(database)
    [hit] = hits(database, check.user_id)
    with database.role("staff"):
        sanctions.clear_hit(hit=hit.public_id, staff_id=staff_member, reason=REASON)
        sanctions.change_setting(threshold=84, strong=95, staff_id=staff_member, reason=REASON)
    assert screen(database) == 1  # other scores: the whole list again
    # The same name as the one that everybody sees is no other name, and the other way round.
    users.update_profile(user_id=check.user_id, display_name="VELTRI Marisol")
    screen(database)
    assert [one.state for one in hits(database, check.user_id)] == ["cleared"]
    database.as_superuser("update banking_identitycheck set status = 'not_matched', due_at = null, answered_at = now()")
    identity_checks.start(user_id=check.user_id, legal_name="Marisol Veltri Quinonez")
    screen(database)
    assert [one.state for one in hits(database, check.user_id)] == ["cleared", "open"]  # another name is another question


def test_what_was_cleared_before_keys_were_keyed_stays_cleared(
    give: Any, database: Database, take_in: Any, staff_member: int
) -> None:
    check = give("agate", "Marisol Veltri")
    [[entry]] = database.as_superuser("select key from compliance_sanctionsentry where number = 102")
    as_before = [check.user_id, 102, "VELTRI QUINONEZ, Marisol", 90, sanctions.names.key("Marisol Veltri"), entry]
    with database.role("worker"), actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select compliance_sanctions_hit(%s, %s, %s, %s, %s, %s)", as_before)
    [hit] = hits(database, check.user_id)
    with database.role("staff"):
        sanctions.clear_hit(hit=hit.public_id, staff_id=staff_member, reason=REASON)
    screen(database)
    assert [one.state for one in hits(database, check.user_id)] == ["cleared"]


def test_the_name_stays_a_secret(give: Any, database: Database, take_in: Any) -> None:
    """Not even a hash that somebody could try names against: the same name of two people is found by nobody without the key."""
    name = "Emil Anton Zarkhof"
    screen_of = [give("opal", name), give("onyx", "Zarkhof Emil Anton")]
    screen(database)
    found = [hits(database, check.user_id)[0].name_key for check in screen_of]
    assert found[0] == found[1] != sanctions.names.key(name)
    secrets = [name, "Zarkhof", sanctions.names.key(name)]
    assert dump.search(dump.of_database(database), secrets) == set()
    database.as_superuser("update compliance_sanctionshit set reason = %s", [secrets[2]])
    assert dump.search(dump.of_database(database), secrets) == {("compliance_sanctionshit", secrets[2])}  # the control


def test_many_at_once_and_one_that_does_not_open(give: Any, database: Database, take_in: Any, caplog: Any) -> None:
    checks = [give(name, "Emil Zarkhov") for name in ("ruby", "beryl", "jade")]
    database.as_superuser("update banking_identitycheck set legal_name = '\\x00' where id = %s", [checks[0].pk])
    with database.role("worker"):
        done = at_once(4, lambda _: tasks.screen_legal_names())
        assert not [one for one in done if isinstance(one, Exception)]
    assert [len(hits(database, check.user_id)) for check in checks] == [0, 1, 1]
    assert "legal_name_unreadable" in caplog.text
    assert all(fresh(check).screened_in > 0 for check in checks)


def test_who_was_killed_is_taken_over(give: Any, database: Database, take_in: Any, monkeypatch: Any) -> None:
    check = give("topaz", "Emil Zarkhov")

    def dies(**of: Any) -> int:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched, database.role("worker"):
        patched.setattr(sanctions, "look_up_legal_name", dies)
        with pytest.raises(RuntimeError):
            legal_names.screen()
    assert (screen(database), hits(database, check.user_id)) == (0, [])  # claimed, for a minute
    database.as_superuser("update banking_identitycheck set claimed_until = now()")
    assert (screen(database), len(hits(database, check.user_id))) == (1, 1)


def test_the_web_cannot_say_that_a_name_was_compared(give: Any, make_person: MakePerson, database: Database) -> None:
    check = give("coral", "Emil Zarkhov")
    with actor(check.user_id), pytest.raises(Exception, match="permission denied"):
        IdentityCheck.objects.filter(pk=check.pk).update(screened_in=9)
    other = IdentityCheck(user_id=check.user_id, account_id=check.account_id, name_index=b"x", legal_name=b"x", screened_in=9)
    with actor(check.user_id), pytest.raises(Exception, match="begins without an answer"):
        other.save(force_insert=True)


def test_other_scores_wait_for_a_list_that_is_taken_in(give: Any, database: Database, take_in: Any, staff_member: int) -> None:
    """Else their run, with the later number, would be seen first, and the names taken for compared after the list, too."""
    importing = database.connect("worker")
    importing.autocommit = False
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = 420602 and not granted"

    def change_or_commit(which: int) -> None:
        if which:
            sanctions.change_setting(threshold=84, strong=95, staff_id=staff_member, reason=REASON)
            return
        made = "select count(*) from compliance_sanctionsrun where cause = 'setting'"
        while not database.as_superuser(waiting)[0][0]:
            assert database.as_superuser(made) == [(0,)]
        importing.commit()

    with importing.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(420602)")
    with database.role("staff"):
        assert at_once(2, change_or_commit) == [None, None]
    importing.close()
    assert database.as_superuser("select count(*) from compliance_sanctionsrun where cause = 'setting'") == [(1,)]
