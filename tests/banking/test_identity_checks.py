"""Tier 2: the bank that a person logs in to confirms their legal name and phone, or says why not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from banking import plaid, services, tasks
from banking.models import BankAccount, IdentityCheck
from banking.services import identity_checks
from compliance.services import tiers
from core.actor import SYSTEM, actor
from core.errors import Conflict, LimitExceeded, NotFound, ValidationError
from tests.banking.hosted import visit
from tests.banking.sandbox import Bank
from tests.conftest import Database, MakePerson, PersonForTest
from tests.helpers import at_once

NAME = "Ada Augusta Lovelace"
LinkedTo = Callable[..., tuple[PersonForTest, BankAccount]]


@pytest.fixture
def banked(make_person: MakePerson, bank: Bank) -> LinkedTo:
    """A person with a bank that has this owner on file; in Plaid's own way, by `user_custom`."""

    def make(username: str = "ada", *, owner: str = NAME, phone: str | None = None) -> tuple[PersonForTest, BankAccount]:
        person = make_person(username)
        identity = {"names": [owner], "phone_numbers": [{"data": phone or person.phone}]}
        token = bank.public_token({"subtype": "checking", "identity": identity})
        return person, services.link_account(user_id=person.id, public_token=token)

    return make


def work(database: Database) -> None:
    """The worker's next round, as if every time had come."""
    database.as_superuser("update banking_identitycheck set due_at = now() where status = 'waiting'")
    with database.role("worker"):
        for check in identity_checks.due():
            tasks.ask_identity(check)


def fresh(check: IdentityCheck) -> IdentityCheck:
    with actor(check.user_id):
        return IdentityCheck.objects.select_related("account").get(pk=check.pk)


def letters_of(database: Database, person: PersonForTest) -> list[str]:
    return [title for (title,) in database.as_superuser(
        "select title from compliance_letter where user_id = %s order by id", [person.id]
    )]  # fmt: skip


def test_a_match_raises_the_tier_and_keeps_what_proved_it(banked: LinkedTo, database: Database) -> None:
    ada, account = banked()
    check = identity_checks.start(user_id=ada.id, legal_name="  ada  AUGUSTA lovelace ")
    assert (check.status, identity_checks.words(check)) == ("waiting", identity_checks.WORDS[check.Status.WAITING])
    assert tiers.tier_of(user_id=ada.id) == 1
    work(database)
    done = fresh(check)
    assert (done.status, done.name_score, done.phone_score, done.due_at) == ("matched", 100, 100, None)
    assert tiers.tier_of(user_id=ada.id) == 2
    [change] = tiers.changes_of(user_id=ada.id)
    assert (change.before, change.after, change.cause) == (1, 2, "identity")
    assert change.evidence == {
        "by": "plaid", "check": check.public_id, "item": account.item.public_id, "bank_account": account.public_id,
        "at": done.answered_at.isoformat(), "name_score": 100, "phone_score": 100,
    }  # fmt: skip
    assert letters_of(database, ada) == ["Your limits are higher now"]
    work(database)
    assert len(tiers.changes_of(user_id=ada.id)) == 1


@pytest.mark.parametrize(
    ("owner", "phone", "status"),
    [("Somebody Else", None, "not_matched"), (NAME, "+12125559999", "not_matched"), ("Lovelace, Ada Augusta", None, "matched")],
    ids=["no match", "the name alone", "nearly the name"],
)
def test_both_have_to_fit(
    banked: LinkedTo, database: Database, owner: str, phone: str | None, status: str
) -> None:
    """The name alone is what a thief of the log-in knows, too."""
    ada, _ = banked(owner=owner, phone=phone)
    check = identity_checks.start(user_id=ada.id, legal_name=NAME)
    work(database)
    assert fresh(check).status == status
    assert tiers.tier_of(user_id=ada.id) == (2 if status == "matched" else 1)
    if status != "matched":
        assert "send an identity document" in identity_checks.words(fresh(check))
        assert letters_of(database, ada) == ["Your bank could not confirm who you are"]


def test_a_bank_that_does_not_say_and_one_that_does_not_give_it(
    make_person: MakePerson, bank: Bank, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make_person("ada")
    body = {"client_id": "sandbox", "secret": "sandbox", "institution_id": "ins_109510", "initial_products": ["auth"]}
    token = bank.post("/plaid/sandbox/public_token/create", {**body, "options": {}})["public_token"]
    services.link_account(user_id=ada.id, public_token=token)
    quiet = identity_checks.start(user_id=ada.id, legal_name=NAME)
    work(database)
    assert (fresh(quiet).status, fresh(quiet).name_score) == ("not_told", None)
    for code, status in (("PRODUCTS_NOT_SUPPORTED", "not_told"), ("ITEM_LOGIN_REQUIRED", "unreachable")):
        monkeypatch.setattr(plaid, "match_identity", _refuses(code))
        check = identity_checks.start(user_id=ada.id, legal_name=f"Ada {code.replace('_', ' ')}")
        work(database)
        assert (fresh(check).status, fresh(check).outcome) == (status, code)
    assert tiers.tier_of(user_id=ada.id) == 1


def _refuses(code: str) -> Callable[..., None]:
    def refuse(*args: object, **options: object) -> None:
        raise plaid.ProviderRejected(code)

    return refuse


@pytest.mark.parametrize("mode", ["500", "timeout"])
def test_while_the_vendor_is_down_it_is_asked_again(
    banked: LinkedTo, bank: Bank, database: Database, mode: str, settings: Any
) -> None:
    """No answer is no refusal: the person reads that it is temporarily unavailable, and the next try counts."""
    settings.VENDOR_TIMEOUT_SECONDS = 0.3
    ada, _ = banked()
    check = identity_checks.start(user_id=ada.id, legal_name=NAME)
    bank.fail("plaid", mode, path="/identity/match", times=2)
    work(database)
    waiting = fresh(check)
    assert (waiting.status, waiting.attempts) == ("waiting", 1)
    assert waiting.due_at is not None
    assert "temporarily unavailable" in identity_checks.words(waiting)
    assert identity_checks.start(user_id=ada.id, legal_name=NAME).pk == check.pk
    bank.fail("plaid", None, path="/identity/match")  # type: ignore[arg-type]
    work(database)
    assert fresh(check).status == "matched"


def test_it_ends_when_nobody_answers_for_days(banked: LinkedTo, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*args: object, **options: object) -> None:
        raise plaid.ProviderUnknown("nothing came")

    ada, _ = banked()
    check = identity_checks.start(user_id=ada.id, legal_name=NAME)
    monkeypatch.setattr(plaid, "match_identity", silent)
    for _ in range(identity_checks.TRIES):
        work(database)
    assert (fresh(check).status, fresh(check).outcome) == ("unreachable", "no answer")
    assert letters_of(database, ada) == ["Your bank could not be asked who you are"]
    monkeypatch.undo()
    again = identity_checks.start(user_id=ada.id, legal_name=NAME)
    assert again.pk != check.pk


def test_a_second_click_and_many_at_once_are_one_question(banked: LinkedTo, database: Database) -> None:
    from django.db import connection

    ada, _ = banked()

    def click(_: int) -> str:
        try:
            return identity_checks.start(user_id=ada.id, legal_name=NAME).public_id
        finally:
            connection.close()

    assert len(set(at_once(4, click))) == 1
    with pytest.raises(Conflict, match="still asking"):
        identity_checks.start(user_id=ada.id, legal_name="Another Name")
    work(database)
    assert identity_checks.start(user_id=ada.id, legal_name=NAME.upper()).status == "matched"


def test_nobody_tries_names_until_one_fits(banked: LinkedTo, database: Database) -> None:
    ada, _ = banked(owner="Somebody Else")
    for name in ("Ann Aa", "Bea Bb", "Cem Cc", "Dan Dd", "Eve Ee"):
        identity_checks.start(user_id=ada.id, legal_name=name)
        work(database)
    with pytest.raises(LimitExceeded) as refusal:
        identity_checks.start(user_id=ada.id, legal_name="Fay Ff")
    assert refusal.value.data["limit"] == "identity_checks_per_day"
    assert "resets_at" in refusal.value.data


@pytest.mark.parametrize(
    "name",
    ["", " ", "A", "4711", "Ada 2", "Ada\x07Lovelace", "x" * 121, "🦊🦊", "Ada\u202eecalevoL", "Ада Лавлейс", "آدا لوفلايس"],
)
def test_what_is_no_name(banked: LinkedTo, name: str) -> None:
    ada, _ = banked()
    with pytest.raises(ValidationError) as refusal:
        identity_checks.start(user_id=ada.id, legal_name=name)
    assert "legal_name" in refusal.value.fields


def test_banks_that_cannot_be_asked(banked: LinkedTo, make_person: MakePerson, database: Database) -> None:
    ada, account = banked()
    eve = make_person("eve")
    with pytest.raises(ValidationError, match="not right") as refusal:
        identity_checks.start(user_id=eve.id, legal_name=NAME)
    assert refusal.value.fields == {"bank_account": "Link a bank first: it is the one that is asked."}
    with pytest.raises(NotFound):
        identity_checks.start(user_id=eve.id, legal_name=NAME, bank_account=account.public_id)
    database.as_superuser("update banking_bankaccount set status = 'relink' where id = %s", [account.pk])
    with pytest.raises(ValidationError) as refusal:
        identity_checks.start(user_id=ada.id, legal_name=NAME)
    assert "linked again" in refusal.value.fields["bank_account"]


def test_after_staff_lowered_somebody_no_bank_raises_them(
    banked: LinkedTo, database: Database, staff_member: int
) -> None:
    ada, _ = banked()
    [[person]] = database.as_superuser("select public_id from users_user where id = %s", [ada.id])
    for tier in (2, 1):
        with database.role("staff"):
            told = "Your bank told us something else."
            tiers.set_tier(person=person, tier=tier, told=told, staff_id=staff_member, reason="Support case 4711")
    check = identity_checks.start(user_id=ada.id, legal_name=NAME)
    work(database)
    assert fresh(check).status == "matched"
    assert tiers.tier_of(user_id=ada.id) == 1
    [[kind, detail]] = database.as_superuser("select kind, detail from compliance_case")
    assert (kind, detail["check"]) == ("review", check.public_id)


def test_the_name_is_readable_nowhere_and_an_answer_stays(banked: LinkedTo, database: Database) -> None:
    ada, _ = banked()
    check = identity_checks.start(user_id=ada.id, legal_name=NAME)
    work(database)
    for table in ("banking_identitycheck", "core_outbox", "compliance_tierchange", "compliance_letter"):
        text = "".join(str(row) for row in database.as_superuser(f"select t::text from {table} t"))
        assert "lovelace" not in text.lower(), table
        assert NAME.encode().hex() not in text, table
    with pytest.raises(Exception, match="what a bank answered stays"):
        database.as_superuser("update banking_identitycheck set status = 'not_matched' where id = %s", [check.pk])


def test_the_web_cannot_prove_anything_itself(banked: LinkedTo, database: Database) -> None:
    """What a broken-into web process could do: ask, and nothing more."""
    ada, _ = banked()
    check = identity_checks.start(user_id=ada.id, legal_name=NAME)
    for statement in (
        "update banking_identitycheck set name_score = 100",
        "select compliance_prove_identity(%s, '{}')", "update compliance_standing set tier = 3",
        "insert into compliance_standing (user_id, tier, reason) values (%s, 3, 'x')",
    ):  # fmt: skip
        raw = database.connect("web")
        with raw.cursor() as cursor:
            cursor.execute("select set_config('paya.actor', %s, false)", [str(ada.id)])
            with pytest.raises(Exception, match="permission denied"):
                cursor.execute(statement, [ada.id] if "%s" in statement else None)
        raw.close()
    with database.role("worker"), actor(ada.id), pytest.raises(Exception, match="only the system"):
        tiers.prove_identity(user_id=ada.id, evidence={})
    assert fresh(check).status == "waiting"
    assert SYSTEM == 0


def test_over_the_api(banked: LinkedTo, database: Database, api: Any, make_person: MakePerson) -> None:
    ada, account = banked()
    assert api.get("/v1/identity", person=ada).json() == {"tier": "phone", "check": None}
    body = {"legal_name": NAME, "bank_account": account.public_id}
    made = api.post("/v1/identity", body, person=ada)
    assert made.status_code == 201
    assert made.json()["status"] == "waiting"
    assert NAME not in json.dumps(made.json())
    work(database)
    shown = api.get("/v1/identity", person=ada).json()
    assert (shown["tier"], shown["check"]["status"], shown["check"]["id"]) == ("identity", "matched", made.json()["id"])
    eve = make_person("eve")
    assert api.post("/v1/identity", body, person=eve).status_code == 404
    assert api.post("/v1/identity", {**body, "legal_name": 5}, person=ada).status_code == 400
    assert api.get("/v1/identity", person=eve).json()["check"] is None


def test_on_the_page(banked: LinkedTo, database: Database, browse: Any) -> None:
    ada, account = banked()
    page = browse(ada.id)
    assert "Your legal name" in page.get("/identity").content.decode()
    bad = page.post("/identity", {"legal_name": "4711", "bank_account": account.public_id})
    assert bad.status_code == 400
    assert "legal_name-error" in bad.content.decode()
    assert page.post("/identity", {"legal_name": NAME, "bank_account": account.public_id}).status_code == 302
    waiting = page.get("/identity").content.decode()
    assert "We are asking your bank" in waiting
    assert 'name="legal_name"' not in waiting
    work(database)
    done = page.get("/identity").content.decode()
    assert "Your bank confirmed who you are" in done
    assert 'href="/limits"' in done
    assert NAME not in done


def test_on_the_practice_page_one_says_whose_account_it_is(
    make_person: MakePerson, bank: Bank, database: Database, browse: Any
) -> None:
    """What Plaid's `user_custom` does, for somebody who tries it out by hand."""
    ada = make_person("ada")
    page = browse(ada.id)
    out = page.post("/banks/link")["Location"]
    page.get(visit(out, institution="ins_109508", account="0", owner=NAME, owner_phone=ada.phone, action="confirm"))
    check = identity_checks.start(user_id=ada.id, legal_name=NAME)
    work(database)
    assert fresh(check).status == "matched"
    notice = page.get("/identity").content.decode()
    assert notice.index('id="check"') < notice.index("Your bank confirmed who you are")
