"""Erasing a person: nothing opens any more, nothing tells who it was, the ledger is whole; and what puts it off."""

from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, connection, transaction

from core import keyring
from core.actor import SYSTEM, actor
from core.errors import Conflict
from core.keyring import columns
from payments import services as payments
from payments.queries import feed
from privacy.services import retention
from tests.conftest import MakePerson, PersonForTest
from tests.helpers import relay_all
from tests.privacy import dump
from tests.privacy.conftest import Stage
from users import services as users
from users.errors import UsernameTaken
from users.models import Profile

NAME, NOTE = "Zebulon Quartz", "violet umbrellas"


@pytest.fixture
def gone(stage: Stage, make_person: MakePerson) -> PersonForTest:
    """Somebody who paid, was paid, had a bank and a letter, closed the account, and whose clocks have run out."""
    ann, bob = make_person("ann_leaves", 50_00, name=NAME), make_person("bob")
    stage.bank(ann)
    payments.pay(payer_id=ann.id, to="bob", amount=5_00, note=NOTE, visibility="public", key=None)
    payments.pay(payer_id=bob.id, to="ann_leaves", amount=1_00, note="thanks", visibility="public", key=None)
    with stage.database.role("worker"):
        relay_all()
        with actor(SYSTEM):
            from compliance.services.letters import tell

            tell(user_id=ann.id, kind="note", title="Hello", body=f"Dear {NAME}")
    stage.age(100)
    stage.close(ann)
    stage.work()
    stage.settle(ann)
    stage.work()
    assert stage.state(ann).state == "closed"
    return ann


def of_ann(stage: Stage, ann: PersonForTest) -> set[tuple[str, str]]:
    secrets = [ann.phone, ann.phone[2:], ann.username, NAME, NOTE, "Plaid Checking", "First Platypus"]
    return dump.search(dump.of_database(stage.database), secrets)


def test_nothing_is_left_and_nothing_opens(stage: Stage, gone: PersonForTest):
    before = {place for place, _ in of_ann(stage, gone)}
    control = {"users_profile", "payments_payment", "payments_feeditem", "banking_bankaccount", "compliance_letter"}
    assert control <= before
    stage.age(4000)
    stage.database.as_superuser("delete from core_idempotency")  # whose partitions have long been dropped by then
    stage.work()
    assert stage.state(gone).state == "erased"
    assert of_ann(stage, gone) == set()
    assert stage.database.as_superuser("select count(*) from core_datakey where user_id = %s", [gone.id]) == [(0,)]
    for column in columns.of_people():
        owner = f"{column.owner} = {gone.id}"
        named = f"select ({column.public_id})::text, {column.column} from {column.table}"
        for public_id, blob in stage.database.as_superuser(f"{named} where {owner} and {column.column} is not null"):
            with stage.database.role("worker"), actor(SYSTEM), pytest.raises(keyring.DecryptionFailed):
                keyring.decrypt_for(gone.id, column.field, public_id, blob)
    assert stage.corruption() == []


def test_the_ledger_and_its_seal_are_whole(stage: Stage, gone: PersonForTest):
    from django.core.management import call_command

    with stage.database.role("worker"):
        from core.clock import now
        from ledger.sealer import seal

        seal(now() - timedelta(seconds=1))
    before = stage.database.as_superuser("select count(*), sum(amount) from ledger_transfer")
    stage.database.as_superuser("update privacy_retention set days = 0 where name in ('records', 'disputes', 'returns')")
    stage.database.as_superuser("update privacy_closing set due_at = now(); update banking_bankaccount set close_due_at = null")
    stage.work()
    assert stage.state(gone).state == "erased"
    assert stage.database.as_superuser("select count(*), sum(amount) from ledger_transfer") == before
    with stage.database.role("auditor"):
        call_command("audit_ledger")  # ends the process where it finds anything


def test_the_others_still_see_that_they_paid_somebody(stage: Stage, gone: PersonForTest):
    stage.age(4000)
    stage.work()
    [item] = [row.item for row in feed() if row.item["note"] == "thanks"]
    assert item["to"]["display_name"] == "Closed account"
    assert item["to"]["username"].startswith("closed_")


def test_the_phone_may_come_again_and_the_name_never(stage: Stage, gone: PersonForTest):
    stage.age(4000)
    stage.work()
    with transaction.atomic():
        person = users.sign_up(phone=gone.phone)
    assert person.id != gone.id
    with pytest.raises(UsernameTaken):
        users.welcome(user_id=person.id, username=gone.username, display_name="New", default_visibility="public")
    assert users.check_username(username=gone.username, user_id=person.id) == "@ann_leaves is taken."
    assert users.check_username(username="closed_for_good", user_id=person.id)
    users.welcome(user_id=person.id, username="new_one", display_name="New", default_visibility="public")
    assert Profile.objects.filter(user_id=gone.id).get().display_name == "Closed account"


def test_it_waits_for_the_longest_clock(stage: Stage, gone: PersonForTest):
    stage.age(1826 - 30)
    stage.work()
    assert stage.state(gone).state == "closed"
    stage.age(31)
    stage.work()
    assert stage.state(gone).state == "erased"


def test_a_legal_hold_puts_it_off(stage: Stage, gone: PersonForTest, staff: int):
    [(public_id,)] = stage.database.as_superuser("select public_id from users_user where id = %s", [gone.id])
    with stage.database.role("staff"):
        retention.place_hold(person=public_id, staff_id=staff, reason="A court has asked us to keep it.")
        with pytest.raises(Conflict):
            retention.place_hold(person=public_id, staff_id=staff, reason="A court has asked us to keep it.")
    stage.age(4000)
    stage.work()
    assert (stage.state(gone).state, stage.state(gone).waits_for) == ("closed", ["hold"])
    [(hold,)] = stage.database.as_superuser("select id from privacy_legalhold")
    with stage.database.role("staff"):
        retention.lift_hold(hold=hold, staff_id=staff, reason="The court is done with it.")
    stage.work()
    assert stage.state(gone).state == "erased"


def erase(user_id: int) -> None:
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select privacy_erase(%s, null, 'closed_aaaaaaaaaaaa')", [user_id])


def destroy(user_id: int) -> None:
    with actor(SYSTEM):
        with connection.cursor() as cursor:
            cursor.execute("set local lock_timeout = '300ms'")
        keyring.destroy_person_keys(user_id)


WORDS = [f"{word} words of hers" for word in ("ticket", "subject", "appeal", "dispute")] + [
    f"staff wrote about {about}" for about in ("ticket", "appeal", "dispute")
]  # fmt: skip
OURS = [
    f"{NAME} was mentioned in {where}"
    for where in (
        "a freeze", "a command", "a refused withdrawal", "a note on the person", "a note on the case", "the flag", "the result",
        "a refused document", "the second result",
    )
]  # fmt: skip
WHY = "They had asked us to."


@pytest.fixture
def spoke(stage: Stage, make_person: MakePerson, staff: int) -> PersonForTest:
    """Somebody who wrote to us in every way there is, was answered, and left."""
    from compliance.services import support

    ann = make_person("ann_spoke", 50_00, name=NAME)
    make_person("bob")
    paid = str(payments.pay(payer_id=ann.id, to="bob", amount=5_00, note=NOTE, visibility="public", key=None).body["id"])
    ticket = support.write_ticket(user_id=ann.id, subject=WORDS[1], message=WORDS[0]).public_id
    dispute = support.report(user_id=ann.id, about=paid, kind="other", message=WORDS[3]).public_id
    frozen = "update wallets_wallet set frozen = %s, frozen_reason = %s where user_id = %s"
    stage.database.as_superuser(frozen, [1, "We are looking", ann.id])
    appeal = support.appeal(user_id=ann.id, about="", message=WORDS[2]).public_id
    stage.database.as_superuser(frozen, [0, "", ann.id])
    with stage.database.role("staff"):
        why: dict[str, Any] = {"staff_id": staff, "reason": WHY}
        support.answer_ticket(ticket=ticket, message=WORDS[4], solved=True, **why)
        support.answer_appeal(appeal=appeal, outcome="upheld", answer=WORDS[5], **why)
        support.decide(dispute=dispute, outcome="no_error", amount=0, result=WORDS[6], **why)
    stage.bank(ann)
    stage.age(100)
    stage.close(ann)
    stage.work()
    stage.settle(ann)
    stage.work()
    assert stage.state(ann).state == "closed"
    return ann


@pytest.fixture
def written_about(
    stage: Stage, make_person: MakePerson, staff: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> PersonForTest:
    """Somebody whom staff wrote to, and about, in every way there is, with their name in it each time; and who left."""
    from compliance.services import cases, documents, freezes
    from tests.tiers.files import picture
    from wallets.services import Freeze

    ann = make_person("ann_written", 50_00, name=NAME)
    account = stage.bank(ann)
    monkeypatch.setattr("django.conf.settings.DOCUMENTS_FOLDER", str(tmp_path / "documents"))
    document = documents.upload(user_id=ann.id, kind="passport", data=picture()).public_id
    [(who,)] = stage.database.as_superuser("select public_id from users_user where id = %s", [ann.id])
    why: dict[str, Any] = {"staff_id": staff, "reason": WHY}
    with stage.database.role("worker"):
        freezes.freeze_by_command(user_id=ann.id, level=Freeze.SENDING, reason=OURS[1])
        freezes.freeze_by_command(user_id=ann.id, level=Freeze.NONE, reason="")
    with stage.database.role("staff"):
        frozen = freezes.freeze_person(person=who, level=Freeze.SENDING, told=OURS[0], **why)
        asked = freezes.start_withdrawal(person=who, amount=1_00, bank_account=account.public_id, **why)
        freezes.deny_withdrawal(withdrawal=asked, told=OURS[2], **why)
        freezes.unfreeze_person(freeze=frozen, **why)
        freezes.note_person(person=who, note=OURS[3], staff_id=staff)
        freezes.note_person(person=who, note=OURS[3] + ", too", staff_id=staff)
        documents.refuse(document=document, words=OURS[7], **why)
        case = freezes.ask_review(person=who, summary=OURS[5], priority=2, **why)
        cases.note(case=case, note=OURS[4], staff_id=staff)
        cases.close(case=case, outcome="no_action", label="legitimate", result=OURS[6], **why)
        cases.reopen(case=case, **why)
        cases.close(case=case, outcome="no_action", label="legitimate", result=OURS[8], **why)
    stage.age(100)
    stage.close(ann)
    stage.work()
    stage.settle(ann)
    stage.work()
    assert stage.state(ann).state == "closed"
    return ann


def test_what_staff_wrote_to_them_and_about_them_goes_too(stage: Stage, written_about: PersonForTest, staff: int):
    before = dump.search(dump.of_database(stage.database), OURS)
    assert {word for _, word in before} == set(OURS)
    # Nothing of it is where nobody could ever empty it: neither in the trail nor among the records of what staff did.
    assert {place for place, _ in before} <= {
        "compliance_freeze", "compliance_withdrawal", "compliance_personnote", "compliance_casenote", "compliance_case",
        "compliance_verdict", "compliance_document", "compliance_letter",
    }  # fmt: skip
    stage.age(4000)
    stage.work()
    assert stage.state(written_about).state == "erased"
    assert dump.search(dump.of_database(stage.database), [NAME, *OURS]) == set()
    kept = stage.database.as_superuser(
        "select (select count(*) from compliance_freeze), (select status from compliance_withdrawal),"
        " (select array_agg(label) from compliance_verdict where kind = 'review'), (select status from compliance_document),"
        " (select count(*) from compliance_personnote) + (select count(*) from compliance_casenote)"
    )
    assert kept == [(2, "denied", ["legitimate", "legitimate"], "refused", 0)]  # that it was, and how it ended
    # What staff give as a reason stays, for good: the form tells them to name nobody in it.
    reasons = stage.database.as_superuser("select count(*) from console_trail where reason = %s", [WHY])
    assert reasons[0][0] >= 8


def test_what_was_said_to_us_and_by_us_goes_too(stage: Stage, spoke: PersonForTest):
    assert {word for _, word in dump.search(dump.of_database(stage.database), WORDS)} == set(WORDS)
    stage.age(4000)
    stage.work()
    assert stage.state(spoke).state == "erased"
    assert dump.search(dump.of_database(stage.database), WORDS) == set()
    [(outcome, kind)] = stage.database.as_superuser("select outcome, kind from compliance_dispute")
    assert (outcome, kind) == ("no_error", "other")  # that it was, and how it ended


@pytest.mark.parametrize("table", ["personnote", "casenote"])
def test_nothing_else_removes_a_note(stage: Stage, written_about: PersonForTest, table: str):
    engine, removed = "set local role paya_engine;", f"delete from compliance_{table}"
    named = f"set local paya.erasing = '{written_about.id}';"
    for attempt in (
        removed, f"{named} {removed}", f"{engine} {removed}", f"{engine} set local paya.erasing = '0'; {removed}",
        f"{engine} {named} update compliance_{table} set note = compliance_erased_words()",
        f"update users_user set is_active = true where id = {written_about.id}; {engine} {named} {removed}",
    ):  # fmt: skip
        with pytest.raises(psycopg2.DatabaseError, match="what was said stays|permission denied"):
            stage.database.as_superuser(f"begin; {attempt}; commit")
        stage.database.as_superuser("rollback")
    stage.database.as_superuser(f"begin; {engine} {named} {removed}; commit")  # the control: named, and closed


@pytest.mark.parametrize(("table", "words"), [
    ("freeze", ["reason"]), ("withdrawal", ["told"]), ("case", ["summary", "result"]), ("verdict", ["result"]),
])  # fmt: skip
def test_nothing_else_empties_what_staff_wrote(stage: Stage, written_about: PersonForTest, table: str, words: list[str]):
    test_nothing_else_empties_these_words(stage, written_about, table, words)


@pytest.mark.parametrize(("table", "words"), [
    ("ticket", ["subject"]), ("ticketmessage", ["body"]), ("appeal", ["message", "answer"]), ("dispute", ["message", "result"]),
])  # fmt: skip
def test_nothing_else_empties_these_words(stage: Stage, spoke: PersonForTest, table: str, words: list[str]):
    """Not the engine of somebody who was not named, not with other words or columns, not of an account that is open."""
    emptied = f"update compliance_{table} set " + ", ".join(f"{word} = compliance_erased_words()" for word in words)
    quoted = "'Something else.'"
    engine = "set local role paya_engine;"
    named = f"{engine} set local paya.erasing = '{spoke.id}';"
    for attempt in (
        emptied, f"set local paya.erasing = '{spoke.id}'; {emptied}", f"{engine} {emptied}",
        f"{engine} set local paya.erasing = '1{spoke.id}'; {emptied}", f"{named} {emptied}, user_id = 1",
        f"{named} {emptied.replace('compliance_erased_words()', quoted)}",
        f"update users_user set is_active = true where id = {spoke.id}; {named} {emptied}",
    ):  # fmt: skip
        with pytest.raises(psycopg2.DatabaseError, match="what was said stays|permission denied"):
            stage.database.as_superuser(f"begin; {attempt}; commit")
        stage.database.as_superuser("rollback")
    stage.database.as_superuser(f"begin; {named} {emptied}; commit")  # the control: named, and closed


def test_only_a_closed_account_is_erased(stage: Stage, make_person: MakePerson):
    ann = make_person("ann")
    with stage.database.role("worker"), pytest.raises(DatabaseError, match="only a closed account"):
        erase(ann.id)


def test_a_key_that_is_being_used_is_waited_for(stage: Stage, gone: PersonForTest):
    """Somebody who is sealing a value holds the key: nothing is ever stored under one that is gone."""
    other = stage.database.connect("worker")
    other.autocommit = False
    with other.cursor() as cursor:
        cursor.execute("select set_config('paya.actor', '0', true); select core_hold_person_key(%s)", [gone.id])
        stage.age(4000)
        with stage.database.role("worker"), pytest.raises(DatabaseError, match="lock timeout"):
            destroy(gone.id)
        other.rollback()
    other.close()
    stage.work()
    assert stage.state(gone).state == "erased"
