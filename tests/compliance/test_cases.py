"""Cases: opened once about one thing, taken by one, closed once, and their labels kept with the signals of the time."""

import csv
import io
import json
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command

from compliance.models import Case, Verdict
from compliance.services import cases
from core.actor import SYSTEM, actor
from core.errors import Conflict, Forbidden, NotFound, ValidationError
from tests.conftest import Database
from tests.helpers import at_once
from tests.payments.people import person


def opened(database: Database, somebody: Any, **changes: Any) -> str:
    given = {"kind": "flag", "user_id": somebody.id, "about": "", "summary": "Many senders in a day", **changes}
    with database.role("worker"), actor(SYSTEM):
        return cases.open_case(**given)


def case(database: Database, public_id: str) -> Case:
    with database.role("worker"), actor(SYSTEM):
        return Case.objects.get(public_id=public_id)


def test_the_same_cause_finds_the_open_case_and_makes_it_more_urgent(database: Database) -> None:
    maya = person(database)
    first = opened(database, maya, priority=3, detail={"signals": {"velocity": 7}, "why": "twelve senders"})
    assert first.startswith("cas_") and len(first) == 30
    before = case(database, first)
    assert (before.priority, before.signals, before.detail) == (3, {"velocity": 7}, {"why": "twelve senders"})
    assert opened(database, maya, priority=1, detail={"signals": {"velocity": 99}}) == first
    after = case(database, first)
    assert (after.priority, after.signals) == (1, {"velocity": 7})
    assert after.due_at < before.due_at
    assert opened(database, maya, priority=2) == first
    assert case(database, first).priority == 1
    assert opened(database, maya, about="pay_1") != first


def test_ten_at_once_open_one(database: Database) -> None:
    theo = person(database)

    with database.role("worker"):

        def one(_: int) -> str:
            with actor(SYSTEM):
                return cases.open_case(kind="held_payment", user_id=theo.id, about="pay_race", summary="Held", priority=1)

        assert len(set(at_once(10, one))) == 1


def test_a_kind_that_nobody_knows_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="due_at|compliance_case_of_kind"):
        opened(database, person(database), kind="nonsense")


def test_neither_web_nor_staff_touch_the_rows(database: Database) -> None:
    for role, statement in [
        ("web", "select * from compliance_case"), ("staff", "select * from compliance_case"),
        ("web", "select compliance_open_case('flag', 1, '', 'x', 1::smallint, '{}')"),
        ("staff", "update compliance_case set priority = 3"), ("worker", "update compliance_case set priority = 3"),
    ]:  # fmt: skip
        raw = database.connect(role)
        with raw.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
        raw.close()


# ------------------------------------------------------------------------------------------------ what staff do
REASON = "as the review of this case has shown"


def staff(database: Database, email: str) -> int:
    from console import services

    with database.role("worker"):
        services.create_staff(email=email, roles=services.ROLES, password="correct horse battery", secret=bytes(range(20)))
    return int(database.as_superuser("select id from users_user where email = %s", [email])[0][0])


@pytest.fixture(scope="module")
def two(database: Database) -> list[int]:
    return [staff(database, f"{name}@staff.example") for name in ("rosa", "kim")]


def close(case: str, staff_id: int, **changes: str) -> None:
    given = {"outcome": "restricted", "label": "mule", "result": "Money came in from twelve people and left at once.", **changes}
    cases.close(case=case, staff_id=staff_id, reason=REASON, **given)


def test_one_of_two_who_take_a_case_has_it(database: Database, two: list[int]) -> None:
    it = opened(database, person(database))
    with database.role("staff"):
        done = at_once(8, lambda n: cases.take(case=it, staff_id=two[n % 2], reason=REASON))
    assert done.count(None) == 1 and all(one is None or isinstance(one, Conflict) for one in done)
    winner = case(database, it).assignee_id
    with database.role("staff"), pytest.raises(Conflict, match="already"):
        cases.take(case=it, staff_id=winner, reason=REASON)
    with database.role("staff"):
        cases.assign(case=it, to="KIM@staff.example", staff_id=two[0], reason=REASON) if winner == two[0] else cases.assign(
            case=it, to="rosa@staff.example", staff_id=two[1], reason=REASON
        )
        with pytest.raises(Conflict, match="Nobody"):
            cases.assign(case=it, to="nobody@staff.example", staff_id=two[0], reason=REASON)
        cases.prioritise(case=it, priority=1, staff_id=two[0], reason=REASON)
    assert case(database, it).assignee_id != winner and case(database, it).priority == 1


def test_a_case_is_given_to_somebody_who_may_look_into_it(database: Database, two: list[int]) -> None:
    case = opened(database, person(database))
    auditor = staff(database, "looks-only@staff.example")
    database.as_superuser("delete from console_staffrole where user_id = %s", [auditor])
    database.as_superuser("insert into console_staffrole (user_id, role) values (%s, 'auditor')", [auditor])
    with database.role("staff"), pytest.raises(Conflict, match="None of their roles"):
        cases.assign(case=case, to="looks-only@staff.example", staff_id=two[0], reason=REASON)


def test_one_of_many_closes_and_the_verdict_keeps_the_signals_of_the_time(database: Database, two: list[int]) -> None:
    it = opened(database, person(database), detail={"signals": {"new_device": 1}})
    with database.role("staff"):
        done = at_once(6, lambda n: close(it, two[n % 2], label=("mule", "fraud")[n % 2]))
        assert done.count(None) == 1 and all(one is None or isinstance(one, Conflict) for one in done)
        cases.reopen(case=it, staff_id=two[0], reason=REASON)
        close(it, two[1], outcome="no_action", label="legitimate", result="It was a collection for a present.")
    with database.role("worker"), actor(SYSTEM):
        kept = list(Verdict.objects.filter(case__public_id=it).order_by("id"))
    assert len(kept) == 2 and all(one.signals == {"new_device": 1} for one in kept)
    assert (kept[1].label, kept[1].staff_id) == ("legitimate", two[1])
    acted = database.as_superuser("select action from console_actionrecord where subject = %s order by id", [it])
    assert acted == [("case.close",), ("case.reopen",), ("case.close",)]
    for verb in ("update compliance_verdict set label = 'fraud'", "delete from compliance_case", "truncate compliance_casenote"):
        with pytest.raises(psycopg2.Error, match="stays|is refused"):
            database.as_superuser(verb)


def test_a_case_is_not_opened_again_beside_a_newer_one(database: Database, two: list[int]) -> None:
    who = person(database)
    it = opened(database, who)
    with database.role("staff"):
        close(it, two[0])
    assert opened(database, who) != it
    with database.role("staff"), pytest.raises(Conflict, match="newer"):
        cases.reopen(case=it, staff_id=two[0], reason=REASON)


def test_notes_stay_and_are_written_once(database: Database, two: list[int]) -> None:
    it = opened(database, person(database))
    with database.role("staff"):
        done = at_once(4, lambda _: cases.note(case=it, note="Called them: nobody answered.", staff_id=two[0]))
        assert done.count(None) == 1
        cases.note(case=it, note="Called them: nobody answered.", staff_id=two[1])
    written = "select count(*) from compliance_casenote join compliance_case c on c.id = case_id where public_id = %s"
    assert database.as_superuser(written, [it]) == [(2,)]


def test_what_is_refused_leaves_nothing(database: Database, two: list[int]) -> None:
    who = person(database)
    it = opened(database, who)
    with database.role("staff"):
        for wrong in ({"outcome": "vanished"}, {"label": "bad"}):
            with pytest.raises(Conflict):
                close(it, two[0], **wrong)
        for wrong_call, error in (
            (lambda: close(it, two[0], result="short"), ValidationError), (lambda: close("cas_none", two[0]), NotFound),
            (lambda: close(it, who.id), Forbidden),
            (lambda: cases.take(case=it, staff_id=two[0], reason="why"), ValidationError),
        ):  # fmt: skip
            with pytest.raises(error):
                wrong_call()
    assert case(database, it).status == "open"
    assert database.as_superuser("select count(*) from console_actionrecord where subject in (%s, 'cas_none')", [it]) == [(0,)]


def test_what_is_decided_elsewhere_is_not_closed_by_hand(database: Database, two: list[int]) -> None:
    it = opened(database, person(database), kind="held_payment", about="pay_held")
    with database.role("staff"), pytest.raises(Conflict, match="decided"):
        close(it, two[0])


def test_rooms_above_close_the_case_about_what_they_decide(database: Database) -> None:
    who = person(database)
    it = opened(database, who, kind="document", about="doc_1")
    call = (
        "select set_config('paya.actor', '0', false),"
        " compliance_close_case_about('document', %s, 'doc_1', 'cleared', 'legitimate', 'It is theirs.')"
    )
    assert database.as_superuser(call, [who.id])[0][1] == it
    assert database.as_superuser(call, [who.id])[0][1] is None
    assert case(database, it).closed_by_id is None


def end(user_id: int, about: str) -> str | None:
    with actor(SYSTEM):
        return cases.close_about(
            kind="document", user_id=user_id, about=about, outcome="cleared", label="legitimate", result="It is theirs."
        )


def test_what_several_end_at_once_is_ended_once(database: Database) -> None:
    who = person(database)
    it = opened(database, who, kind="document", about="doc_race")
    with database.role("worker"):
        done = at_once(6, lambda _: end(who.id, "doc_race"))
    assert sorted(done, key=str) == sorted([it, *[None] * 5], key=str)


def test_labels_are_exported_with_their_signals_and_without_words(database: Database, two: list[int], capsys: Any) -> None:
    it = opened(database, person(database), detail={"signals": {"share": 0.9}, "note": "a secret remark"})
    with database.role("staff"):
        close(it, two[0], result="A remark that is nobody else's.")
    with database.role("worker"):
        call_command("export_labels")
        table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        call_command("export_labels", "--json")
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [row] = [row for row in table if row["case"] == it]
    assert (row["label"], row["outcome"], json.loads(row["signals"])) == ("mule", "restricted", {"share": 0.9})
    assert row["person"].startswith("usr_") and len(lines) == len(table)
    assert "remark" not in json.dumps(lines)
