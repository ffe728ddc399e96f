"""The sanctions list: its files, how names are compared, who is found when, and that what was cleared stays cleared."""

from pathlib import Path
from random import Random
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command

from compliance.models import Case, NameCheck, SanctionsEntry, SanctionsHit, SanctionsRun
from compliance.sanctions import names, sdn
from compliance.services import freezes, sanctions
from core.actor import SYSTEM, actor
from core.errors import AccountFrozen, Conflict
from payments import services as payments
from tests.compliance import lists
from tests.compliance.test_cases import REASON, staff
from tests.conftest import Database, PersonForTest
from tests.helpers import at_once
from tests.payments.people import person
from users import services as users
from wallets import services as wallets


# ------------------------------------------------------------------------------------------------ the files
def test_the_published_format_is_read(tmp_path: Path) -> None:
    first, second, company, ship, last = sanctions.read_files(sdn_file=lists.write(tmp_path))
    assert (first.number, first.kind, first.name) == (101, "individual", "ZARKHOV, Emil Anton")
    assert (first.program, first.title) == ("DEMO-1", "")
    assert first.aliases == ["ZARKOV, Emile"] and first.places == ["12 Harbour Street, Port Nowhere, Atlantis"]
    assert first.remarks.endswith('"THE CLERK"')
    assert (second.program, second.title) == ("DEMO-2] [DEMO-1", "Treasurer")
    assert (company.kind, company.places, ship.kind) == ("entity", ["Atlantis"], "vessel")
    assert last.remarks == "several lines of remarks" and last.aliases == ["QASEEBI, Nour"]


BROKEN = [
    (lists.SDN.replace('102,"VELTRI', 'x102,"VELTRI'), "sdn.csv line 2: “x102” is no number"),
    (lists.SDN.replace("102,", "101,"), "sdn.csv line 2: entry 101 is there twice, first on line 1"),
    (lists.SDN.replace('COMPANY",-0- ,"DEMO-1",', 'COMPANY",-0- ,'), "sdn.csv line 3: 11 columns"),
    (lists.SDN.replace("vessel,", "spaceship,"), "sdn.csv line 4: “spaceship” is no type"),
    (lists.SDN.replace('"DREVIN STAR"', "-0- "), "sdn.csv line 4: entry 104 has no name"),
    (lists.SDN[: lists.SDN.rindex("lines of")], "sdn.csv line 5: unexpected end of data"),
    ("", "there is no entry in it"),
    ("<html><body>Service unavailable</body></html>\n", "sdn.csv line 1: 1 columns instead of 12"),
    (lists.SDN.replace("Panama", "Pan\0ma"), "sdn.csv line 4: binary data"),
]


@pytest.mark.parametrize(("text", "problem"), BROKEN, ids=[problem[:40] for _, problem in BROKEN])
def test_a_broken_file_is_refused_and_its_lines_are_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(sdn.BrokenList) as refusal:
        sanctions.read_files(sdn_file=lists.write(tmp_path, text))
    assert problem in str(refusal.value)


def test_a_broken_companion_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sdn.BrokenList, match="alt.csv line 2: there is no entry 999"):
        sanctions.read_files(sdn_file=lists.write(tmp_path, alt=lists.ALT.replace("105,", "999,")))


# ------------------------------------------------------------------------------------------------ the names
@pytest.mark.parametrize(
    ("person_name", "listed"),
    [
        ("Emil Anton Zarkhov", "ZARKHOV, Emil Anton"), ("Zarkhov Emil", "ZARKHOV, Emil Anton"), ("Émîl Zärkhóv", "ZARKHOV, Emil"),
        ("E. Zarkhov", "ZARKHOV, Emil"), ("Emil Zarkhof", "ZARKHOV, Emil"), ("Dr. Emil Zarkhov Jr", "ZARKHOV, Emil"),
        ("Noureddin Al Qassibi", "AL-QASSIBI, Noureddin bin Talal"), ("Alqassibi Noureddin", "AL-QASSIBI, Noureddin"),
        ("Marisol Veltri", "VELTRI QUINONEZ, Marisol"), ("Marisol Veltri Quiñonez", "VELTRI QUINONEZ, Marisol"),
        ("ORBELAX Trading Company", "ORBELAX TRADING COMPANY"), ("Jon Smithsen", "SMITHSON, John"),
        ("Łukasz Søren", "SOREN, Lukasz"), ("Эмиль Зархов", "ZARKHOV, Emil"), ("Zаrkhоv Emil", "ZARKHOV, Emil"),
        ("Νίκος Παπάς", "PAPAS, Nikos"), ("王小明", "WANG, Xiaoming"), ("Դավիթ Մելիքյան", "MELIKYAN, Davit"),
        ("გიორგი ბერიძე", "BERIDZE, Giorgi"), ("दिनेश कुमार", "KUMAR, Dinesh"),
        # One name, written in more than one way.
        ("Mohamed Hassan", "HASSAN, Muhammad"), ("Mohammed Ali Hassan", "HASSAN, Muhammad Ali"),
        ("Usama bin Ladin", "BIN LADEN, Osama"), ("Yusuf Ahmed", "AHMAD, Youssef"), ("Ghasem Soleymani", "SOLEIMANI, Qasem"),
        ("Husayn Abdallah", "ABDULLAH, Hussein"), ("محمد دوستم", "DOSTUM, Muhammad"),
        # What is done to hide one.
        ("𝐕𝐢𝐤𝐭𝐨𝐫 𝐁𝐨𝐮𝐭", "BOUT, Viktor"), ("V1ktor B0ut", "BOUT, Viktor"), ("Ⓥiktor Ｂout", "BOUT, Viktor"),
        ("Viktor Bout the great", "BOUT, Viktor"), ("<b>Viktor</b> Bout", "BOUT, Viktor"),
    ],
)  # fmt: skip
def test_what_is_alike(person_name: str, listed: str) -> None:
    assert names.Index([(1, listed)]).matches(person_name, 85), names.score(names.words(person_name), names.words(listed))


@pytest.mark.parametrize(
    ("person_name", "listed"),
    [
        ("Emil", "ZARKHOV, Emil"), ("Zarkhov", "ZARKHOV, Emil"), ("Emil Larsson", "ZARKHOV, Emil"),
        ("Al Bin", "AL-QASSIBI, Noureddin bin Talal"), ("E. A.", "ZARKHOV, Emil Anton"), ("Ana Veltri", "VELTRI, Anton Marco"),
        ("Trading Post", "ORBELAX TRADING COMPANY"), ("", "ZARKHOV, Emil"), ("🦄", "ZARKHOV, Emil"),
        ("王小红", "WANG, Xiaoming"), ("Carlos Lopez", "CARLOS"), ("Jane Smith", "SMITH, John"), ("Brian Cole", "BROWN, Nicole"),
        ("Maria Garcia", "MARTINEZ, Maria"), ("Laura Miller", "MULLER, Larry"), ("Agent 007", "AGENT, Foot"),
    ],
)  # fmt: skip
def test_what_is_not(person_name: str, listed: str) -> None:
    assert names.Index([(1, listed)]).matches(person_name, 85) == []


def test_the_index_finds_whatever_the_score_does() -> None:
    """It only looks at names that have a word like one of theirs: that may never leave one out."""
    made = Random(7)
    parts = ["ba", "bel", "ko", "kov", "li", "lin", "mar", "mo", "ne", "ro", "sa", "ta", "tor", "zu"]

    def name() -> str:
        rare = ["".join(made.choices(parts, k=2)) for _ in range(3)]
        mixed = [made.choice(["al", "de", "ivan", "maria"]) if made.random() < 0.3 else word for word in rare]
        return " ".join(word[: 1 if made.random() < 0.15 else 99] for word in mixed[: made.randint(1, 3)])

    listed = [(number, name()) for number in range(400)]
    index = names.Index(listed)
    found = 0
    for _ in range(200):
        asked = name()
        best: dict[int, int] = {}
        for number, one in listed:
            if (alike := names.score(names.words(asked), names.words(one))) >= 80:
                best[number] = max(alike, best.get(number, 0))
        assert {match.entry: match.score for match in index.matches(asked, 80)} == best, asked
        found += len(best)
    assert found > 100


def test_the_key_of_a_name_forgets_accents_case_and_order_and_nothing_else() -> None:
    assert names.key("Émil ZARKHOV") == names.key("zarkhov, emil") != names.key("Emil Zarkhow")


# ------------------------------------------------------------------------------------------------ who is found
def take_in(database: Database, folder: Path, sdn_text: str = lists.SDN, alt: str = lists.ALT) -> sanctions.Imported:
    with database.role("worker"):
        return sanctions.import_list(entries=sanctions.read_files(sdn_file=lists.write(folder, sdn_text, alt)))


def screen(database: Database) -> None:
    with database.role("worker"):
        sanctions.screen()


def hits(database: Database, user: int, **which: Any) -> list[SanctionsHit]:
    with database.role("worker"), actor(SYSTEM):
        return list(SanctionsHit.objects.filter(user_id=user, **which).order_by("id"))


def case_of(database: Database, user: int) -> Case:
    with database.role("worker"), actor(SYSTEM):
        return Case.objects.filter(user_id=user, kind="sanctions").latest("id")


@pytest.fixture(scope="module")
def listed(database: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The list is there, and the ninety others that somebody else's test would find missing."""
    take_in(database, tmp_path_factory.mktemp("list"))


def test_at_sign_up_and_on_a_change_of_name(database: Database, listed: None) -> None:
    one = person(database, name="Emil Zarkhov")
    other = person(database, name="Maya Lindqvist")
    screen(database)
    [hit] = hits(database, one.id)
    assert (hit.entry_id, hit.score >= 90, hit.state) == (101, True, "open")
    assert hits(database, other.id) == []
    case = case_of(database, one.id)
    assert (case.kind, case.priority, case.status, case.pk) == ("sanctions", 1, "open", hit.case_id)
    assert case.signals["entry"] == 101
    users.update_profile(user_id=other.id, display_name="Marisol Veltri Quiñonez")
    screen(database)
    assert [hit.entry_id for hit in hits(database, other.id)] == [102]
    screen(database)
    with database.role("worker"), actor(SYSTEM):
        assert not NameCheck.objects.filter(checked_at=None).exists()


def test_when_the_list_changes_only_what_is_new_on_it_is_looked_for(database: Database, listed: None, tmp_path: Path) -> None:
    who = person(database, name="Ottoline Bruckhausen")
    screen(database)
    assert hits(database, who.id) == []
    more = lists.SDN + '201,"BRUCKHAUSEN, Ottoline",individual,"DEMO-4",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n'
    assert take_in(database, tmp_path, more) == sanctions.Imported(6, 1, 0, 0)
    assert take_in(database, tmp_path, more) == sanctions.Imported(6, 0, 0, 0)
    screen(database)
    assert [hit.entry_id for hit in hits(database, who.id)] == [201]
    with database.role("worker"), actor(SYSTEM):
        run = SanctionsRun.objects.latest("id")
        assert run.finished_at and run.people > 0 and run.hits == 1 and run.added == 1
    # A remark that changes is kept, and nobody is looked up for it.
    take_in(database, tmp_path, more.replace('"DEMO-4",-0- ,', '"DEMO-4","Captain",'))
    screen(database)
    assert len(hits(database, who.id)) == 1
    # An entry that leaves the list takes its open hit with it, and its case; it comes back as it went.
    take_in(database, tmp_path)
    screen(database)
    [hit] = hits(database, who.id)
    assert (hit.state, case_of(database, who.id).status, case_of(database, who.id).label) == ("gone", "closed", "unclear")
    take_in(database, tmp_path, more)
    screen(database)
    assert [(hit.entry_id, hit.state) for hit in hits(database, who.id)] == [(201, "open")]
    take_in(database, tmp_path)


def test_a_false_positive_is_cleared_once_for_all(database: Database, listed: None, tmp_path: Path) -> None:
    desk = staff(database, "hits@staff.example")
    who = person(database, name="Marisol Veltri")
    screen(database)
    [hit] = hits(database, who.id)
    with database.role("staff"):
        done = at_once(4, lambda _: sanctions.clear_hit(hit=hit.public_id, staff_id=desk, reason=REASON))
        assert sorted(map(type, done), key=str) == sorted([type(None), Conflict, Conflict, Conflict], key=str)
    case = case_of(database, who.id)
    assert (case.status, case.outcome, case.label, case.closed_by_id) == ("closed", "cleared", "false_positive", desk)
    # The same name written otherwise, the same entry with another remark, the whole list anew: nothing comes again.
    users.update_profile(user_id=who.id, display_name="VELTRI, Marisol")
    screen(database)
    take_in(database, tmp_path, lists.SDN.replace('"Treasurer"', '"Treasurer, retired"'))
    with database.role("staff"):
        sanctions.change_setting(threshold=84, strong=95, staff_id=desk, reason=REASON)
    screen(database)
    assert len(hits(database, who.id)) == 1
    # Another name, or another name of the entry, is another question.
    users.update_profile(user_id=who.id, display_name="Marisol Veltri Quinonez")
    screen(database)
    assert [one.state for one in hits(database, who.id)] == ["cleared", "open"]
    take_in(database, tmp_path, alt=lists.ALT + '102,13,"aka","VELTRY, Marisol",-0- \n')
    screen(database)
    assert len(hits(database, who.id)) == 3
    with database.role("staff"):
        assert sanctions.clear_case(case=case_of(database, who.id).public_id, staff_id=desk, reason=REASON) == 2
    assert case_of(database, who.id).status == "closed"
    take_in(database, tmp_path)


def test_two_imports_and_many_screenings_at_once(database: Database, listed: None, tmp_path: Path) -> None:
    who = [person(database, name="Quillon Barzhev") for _ in range(3)]
    more = lists.SDN + '301,"BARZHEV, Quillon",individual,"DEMO-4",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n'
    entries = sanctions.read_files(sdn_file=lists.write(tmp_path, more))
    with database.role("worker"):
        done = at_once(4, lambda _: sanctions.import_list(entries=entries))
        assert {type(one) for one in done} <= {sanctions.Imported, sanctions.ImportRunning}
        assert sum(one.added for one in done if isinstance(one, sanctions.Imported)) == 1
        at_once(4, lambda _: sanctions.screen())
    screen(database)
    assert [len(hits(database, one.id)) for one in who] == [1, 1, 1]
    take_in(database, tmp_path)


def test_a_list_that_was_cut_off_is_refused(database: Database, listed: None, tmp_path: Path) -> None:
    few = "\n".join(lists.SDN.split("\n")[:3]) + "\n"
    with pytest.raises(sanctions.ListShrank):
        take_in(database, tmp_path, few, lists.ALT.split("\n")[0] + "\n")
    with database.role("worker"), actor(SYSTEM):
        assert SanctionsEntry.objects.filter(removed_in=None).count() == 5


def test_a_screening_that_is_killed_goes_on_where_it_was(
    database: Database, listed: None, tmp_path: Path, monkeypatch: Any
) -> None:
    who = [person(database, name="Yevra Tolstunov") for _ in range(5)]
    more = lists.SDN + '401,"TOLSTUNOV, Yevra",individual,"DEMO-4",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n'
    screen(database)
    take_in(database, tmp_path, more)
    monkeypatch.setattr(sanctions, "PEOPLE_AT_ONCE", 2)
    found = sanctions._look_up
    calls = iter(range(1000))

    def dies(*args: Any) -> int:
        if next(calls) > 2 and args[1] == who[3].id:
            raise RuntimeError("killed")
        return found(*args)

    monkeypatch.setattr(sanctions, "_look_up", dies)
    with database.role("worker"), pytest.raises(RuntimeError):
        sanctions.screen()
    assert [len(hits(database, one.id)) for one in who][3:] == [0, 0]
    screen(database)
    assert [len(hits(database, one.id)) for one in who][3:] == [0, 0]  # it is claimed by whoever was killed, for a minute
    database.as_superuser("update compliance_sanctionsrun set claimed_until = now() where finished_at is null")
    monkeypatch.setattr(sanctions, "_look_up", found)
    screen(database)
    assert [len(hits(database, one.id)) for one in who] == [1, 1, 1, 1, 1]
    take_in(database, tmp_path)


def test_who_changes_their_name_meanwhile_does_not_wait_and_is_looked_up_again(
    database: Database, listed: None, monkeypatch: Any
) -> None:
    who = person(database, name="Somebody Else")
    screen(database)
    users.update_profile(user_id=who.id, display_name="Somebody Other")
    compare = names.Index.matches

    def slow(index: names.Index, name: str, threshold: int) -> Any:
        if name == "Somebody Other":
            database.as_superuser("set lock_timeout = '500ms'")
            database.as_superuser("update users_profile set display_name = 'Emil Zarkhov' where user_id = %s", [who.id])
        return compare(index, name, threshold)

    monkeypatch.setattr(names.Index, "matches", slow)
    screen(database)
    assert [hit.entry_id for hit in hits(database, who.id)] == [101]


def test_the_command_says_what_it_did_and_what_is_wrong(database: Database, listed: None, tmp_path: Path, capsys: Any) -> None:
    at = lists.write(tmp_path)
    elsewhere = lists.write(tmp_path / "elsewhere", alt="", add="")
    with database.role("worker"):
        call_command("import_sanctions", str(at))
        assert "5 entries: 0 new, 0 changed, 0 removed" in capsys.readouterr().out
        call_command("import_sanctions", str(elsewhere), str(tmp_path / "alt.csv"), str(tmp_path / "add.csv"))
        assert "0 changed" in capsys.readouterr().out
        for arguments, status, words in (
            ([str(tmp_path / "nothing.csv")], 1, "No such file"), ([str(at), str(tmp_path / "sdn.csv")], 1, "are named alt"),
            ([str(lists.write(tmp_path / "cut", lists.SDN[:100], "", ""))], 1, "line 1"),
            ([str(lists.write(tmp_path / "few", lists.SDN.split("102,")[0], "", ""))], 2, "--allow-removals"),
        ):  # fmt: skip
            with pytest.raises(SystemExit) as ended:
                call_command("import_sanctions", *arguments)
            assert ended.value.code == status and words in capsys.readouterr().err
        call_command("import_sanctions", str(tmp_path / "few" / "sdn.csv"), "--allow-removals")
        call_command("import_sanctions", str(at))
        assert "4 new" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------ what a hit does
def wallet(database: Database, user: int) -> tuple[int, int, str]:
    columns = "select frozen, status, frozen_reason from wallets_wallet join ledger_account on id = account where user_id = %s"
    return tuple(database.as_superuser(columns, [user])[0])


def letters(database: Database, user: int) -> list[str]:
    return [row[0] for row in database.as_superuser("select title from compliance_letter where user_id = %s order by id", [user])]


def test_a_strong_hit_keeps_the_person_from_sending_until_it_is_cleared(database: Database, listed: None) -> None:
    desk = staff(database, "strong@staff.example")
    who = person(database, 50_00, name="Emil Anton Zarkhov")
    other = person(database)
    screen(database)
    [hit] = hits(database, who.id)
    assert hit.strong and hit.score == 100
    assert wallet(database, who.id)[:2] == (1, 1) and "public list" in wallet(database, who.id)[2]
    assert letters(database, who.id) == ["You cannot send money for the moment"]
    with pytest.raises(AccountFrozen, match="public list"):
        payments.pay(payer_id=who.id, to=other.username, amount=100, note="", visibility="public", key=None)
    # Somebody who ends another freeze does not end this one.
    with database.role("worker"):
        wallets.freeze(user_id=who.id, level=wallets.Freeze.ALL, reason="Please call us about your phone.")
        assert wallets.freeze(user_id=who.id, level=wallets.Freeze.NONE, reason="") == wallets.Freeze.SENDING
    with database.role("staff"):
        sanctions.clear_hit(hit=hit.public_id, staff_id=desk, reason=REASON)
    assert wallet(database, who.id) == (0, 0, "")
    assert letters(database, who.id)[1:] == ["You can send money again"]
    payments.pay(payer_id=who.id, to=other.username, amount=100, note="", visibility="public", key=None)


def test_a_confirmed_hit_blocks_the_money_and_another_freeze_stays_after_a_cleared_one(database: Database, listed: None) -> None:
    desk = staff(database, "blocked@staff.example")
    who, kept = (person(database, 50_00, name="Zarkhov Emil Anton") for _ in range(2))
    with database.role("worker"):
        wallets.freeze(user_id=kept.id, level=wallets.Freeze.SENDING, reason="Please call us about your phone.")
    screen(database)
    with database.role("staff"):
        sanctions.confirm_hit(hit=hits(database, who.id)[0].public_id, staff_id=desk, reason=REASON)
        sanctions.clear_hit(hit=hits(database, kept.id)[0].public_id, staff_id=desk, reason=REASON)
    assert wallet(database, who.id)[:2] == (2, 2)
    assert letters(database, who.id)[-1] == "Your money is blocked"
    case = case_of(database, who.id)
    assert (case.status, case.outcome, case.label) == ("closed", "confirmed", "sanctioned")
    assert wallet(database, kept.id) == (1, 1, "Please call us about your phone.")
    with database.role("worker"):
        assert wallets.freeze(user_id=who.id, level=wallets.Freeze.NONE, reason="") == wallets.Freeze.ALL


# ------------------------------------------------------------------------------------------------ a confirmed hit was a mistake
def confirmed(database: Database, desk: int, *, frozen: bool = False) -> tuple[PersonForTest, str]:
    """Somebody who was taken for one on the list."""
    who = person(database, 50_00, name="Zarkhov Emil Anton")
    if frozen:
        with database.role("worker"):
            freezes.freeze_by_command(user_id=who.id, level=wallets.Freeze.SENDING, reason="Please call us about your phone.")
    screen(database)
    hit = hits(database, who.id)[0].public_id
    with database.role("staff"):
        sanctions.confirm_hit(hit=hit, staff_id=desk, reason=REASON)
    return who, hit


def test_two_of_the_staff_take_back_a_confirmed_hit_and_the_person_reads_it(database: Database, listed: None) -> None:
    ann, bo = staff(database, "ann0@staff.example"), staff(database, "bo0@staff.example")
    who, hit = confirmed(database, ann)
    with database.role("staff"):
        with pytest.raises(Conflict, match="Nobody has asked"):
            sanctions.decide_lifting(hit=hit, approve=True, staff_id=bo, reason=REASON)
        sanctions.ask_lifting(hit=hit, staff_id=ann, reason=REASON)
        with pytest.raises(Conflict, match="already"):
            sanctions.ask_lifting(hit=hit, staff_id=bo, reason=REASON)
        with pytest.raises(Conflict, match="somebody else has to decide"):
            sanctions.decide_lifting(hit=hit, approve=True, staff_id=ann, reason=REASON)
        assert wallet(database, who.id)[:2] == (2, 2)
        sanctions.decide_lifting(hit=hit, approve=False, staff_id=bo, reason=REASON)
        assert wallet(database, who.id)[:2] == (2, 2)
        sanctions.ask_lifting(hit=hit, staff_id=ann, reason=REASON)
        sanctions.decide_lifting(hit=hit, approve=True, staff_id=bo, reason=REASON)
        with pytest.raises(Conflict, match="not a confirmed one"):
            sanctions.ask_lifting(hit=hit, staff_id=ann, reason=REASON)
    assert wallet(database, who.id) == (0, 0, "")
    assert letters(database, who.id)[-1] == "You can send money again"
    case = case_of(database, who.id)
    assert (case.status, case.outcome, case.label) == ("closed", "cleared", "false_positive")
    said = "select action, staff_id from console_trail where kind = 'action' and subject = %s order by id"
    trail = database.as_superuser(said, [hit])
    assert trail == [
        ("hit.confirm", ann), ("hit.lift", ann), ("hit.refuse", bo), ("hit.lift", ann), ("hit.approve", bo),
    ]  # fmt: skip
    screen(database)
    assert [one.state for one in hits(database, who.id)] == ["cleared"]  # the two never come up together again


def test_what_else_restricts_them_stays_and_the_letter_says_so(database: Database, listed: None) -> None:
    ann, bo = staff(database, "ann1@staff.example"), staff(database, "bo1@staff.example")
    who, hit = confirmed(database, ann, frozen=True)
    with database.role("staff"):
        sanctions.ask_lifting(hit=hit, staff_id=bo, reason=REASON)
        sanctions.decide_lifting(hit=hit, approve=True, staff_id=ann, reason=REASON)
    assert wallet(database, who.id) == (1, 1, "Please call us about your phone.")
    assert letters(database, who.id)[-1] == "You cannot send money yet"


def test_nobody_takes_it_back_alone_whatever_they_write_to(database: Database, listed: None) -> None:
    """With a shell of the engine, too: the table holds the two apart, and the hit looks for them. And the control."""
    ann, bo = staff(database, "ann2@staff.example"), staff(database, "bo2@staff.example")
    who, hit = confirmed(database, ann)
    with database.role("staff"):
        sanctions.ask_lifting(hit=hit, staff_id=ann, reason=REASON)
    of_it = "(select id from compliance_sanctionshit where public_id = %s)"
    two = f"update compliance_hitlifting set decided_by_id = %s, decided_at = now(), approved = true where hit_id = {of_it}"
    database.as_superuser("set role paya_engine")
    try:
        with pytest.raises(psycopg2.Error, match="compliance_hitlifting_two"):
            database.as_superuser(two, [ann, hit])
        for state in ("cleared", "open", "gone"):
            with pytest.raises(psycopg2.Error, match="two of the staff|refused"):
                database.as_superuser("update compliance_sanctionshit set state = %s where public_id = %s", [state, hit])
        for edit in ("delete from compliance_hitlifting", "update compliance_hitlifting set asked_at = now()"):
            with pytest.raises(psycopg2.Error, match="refused|permission"):
                database.as_superuser(f"{edit} where hit_id = {of_it}", [hit])
        database.as_superuser(two, [bo, hit])
        database.as_superuser("update compliance_sanctionshit set state = 'cleared' where public_id = %s", [hit])
    finally:
        database.as_superuser("reset role")
    assert [one.state for one in hits(database, who.id)] == ["cleared"]


def test_the_name_that_was_compared_stays_beside_the_hit(database: Database, listed: None) -> None:
    """Whoever calls themselves otherwise while staff look hides nothing: what is cleared is what was compared."""
    who = person(database, name="Marisol Veltri")
    screen(database)
    users.update_profile(user_id=who.id, display_name="Some Body")
    screen(database)
    [hit] = hits(database, who.id)
    assert (hit.name, hit.state) == ("Marisol Veltri", "open")
    with pytest.raises(psycopg2.Error, match="refused"):
        database.as_superuser("update compliance_sanctionshit set name = 'Some Body' where id = %s", [hit.pk])


def test_a_slip_in_the_scores_is_set_back_with_what_it_did(database: Database, listed: None) -> None:
    desk = staff(database, "scores@staff.example")
    who = person(database, 50_00, name="Emil Zarkhof")
    screen(database)
    [hit] = hits(database, who.id)
    assert not hit.strong and 85 <= hit.score < 95
    with database.role("staff"):
        sanctions.change_setting(threshold=70, strong=70, staff_id=desk, reason=REASON)
    assert hits(database, who.id)[0].strong and wallet(database, who.id)[0] == 1
    with database.role("staff"):
        sanctions.change_setting(threshold=85, strong=95, staff_id=desk, reason=REASON)
    assert not hits(database, who.id)[0].strong and wallet(database, who.id)[0] == 0
    with database.role("staff"):
        sanctions.change_setting(threshold=hit.score + 1, strong=101, staff_id=desk, reason=REASON)
    assert hits(database, who.id)[0].state == "gone" and case_of(database, who.id).status == "closed"
    with database.role("staff"):
        sanctions.change_setting(threshold=85, strong=95, staff_id=desk, reason=REASON)
    screen(database)
    assert hits(database, who.id)[0].state == "open"
