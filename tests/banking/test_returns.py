"""What comes back: the bank, the person and the books, code by code; trying again; what two of the staff put right."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from banking import plaid, services
from banking.errors import LinkFailed, NotPresentable
from banking.models import BankAccount, BankItem, BankTransfer, Correction, Return
from banking.nacha import codes
from banking.rails.port import RailTransfer
from banking.services import accounts, corrections, returns, secrets
from banking.services.transfers.outcomes import apply
from core.actor import SYSTEM, actor
from core.errors import AccountFrozen, Conflict, NotFound, ValidationError
from core.ids import new_id, new_reference
from ledger import services as ledger
from ledger.chart import Account, Kind
from payments import services as payments
from tests.banking.conftest import Linked
from tests.banking.sandbox import Bank
from tests.conftest import Database, MakePerson
from tests.helpers import assert_problem, give_all_roles
from users.models import User
from wallets import services as wallets
from wallets.errors import OwesMoney
from wallets.services import Freeze

REASON = "Support case 4711"


def comes_back(person: Linked, row: BankTransfer, code: str) -> BankTransfer:
    """The rail says that a transfer failed with this code, whatever its status was."""
    shown = RailTransfer(str(row.external_id), "failed", row.amount, "USD", str(row.rail_key), code)
    with person.database.role("worker"):
        apply(row.pk, row.user_id, shown, cause="test")
    return person.fresh(row)


def bank_of(person: Linked) -> BankAccount:
    with actor(person.person.id):
        return BankAccount.objects.get(pk=person.account.pk)


def sweep(database: Database) -> None:
    """What beat lets the worker do."""
    from banking.tasks import sweep_decisions

    with database.role("worker"):
        sweep_decisions()


@pytest.fixture
def colleague(database: Database, staff_member: int) -> int:
    with database.role("worker"), actor(SYSTEM):
        return give_all_roles(User.objects.create(public_id=new_id("usr"), kind=User.STAFF, email="second@paya.example").pk)


# ---------------------------------------------------------------------------------------------- what a code asks for
CLASSES = [
    ("R01", "active", False),  # no money: nothing but the transfer
    ("R03", "relink", False),  # not found: the person links it again
    ("R02", "removed", False),  # closed: it goes
    ("R10", "removed", True),  # not authorised: it goes, and staff look into it
    ("R99", "active", False),  # a code that nobody knows undoes the transfer and nothing else
    ("", "active", False),
]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("code", "status", "restricted"), CLASSES)
def test_what_a_return_does(code: str, status: str, restricted: bool, late: bool, linked: Callable[..., Any]) -> None:
    person = linked(money=10_00)
    row = person.settled_load(50_00) if late else person.submit(person.load(50_00))
    row = comes_back(person, row, code)
    assert row.status == ("returned" if late else "failed")
    assert person.money() == (10_00, 0, 0)
    account = bank_of(person)
    assert account.status == status
    assert account.blocked_by == (code if restricted else "")
    assert person.wallet().frozen == (Freeze.SENDING if restricted else Freeze.NONE)
    with actor(person.person.id):
        kept = Return.objects.get()
        assert (kept.code, kept.late, kept.restricts, kept.owed) == (code, late, restricted, 0)


def test_the_classes_above_are_those_of_the_table() -> None:
    known = {code: codes.RETURNS[code] for code, *_ in CLASSES if code in codes.RETURNS}
    assert {known[code].bank for code in known} == set(codes.Bank)
    assert {known[code].person for code in known} == set(codes.Person)
    assert {code for code, each in codes.RETURNS.items() if each.represent} == {"R01", "R09"}


def test_the_same_news_twice_has_one_effect(linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.settled_load(50_00)
    for _ in range(3):
        comes_back(person, row, "R10")
    with actor(person.person.id):
        assert Return.objects.count() == 1
    assert person.money() == (0, 0, 0)


def test_a_bank_that_denied_us_is_not_linked_again(linked: Callable[..., Any]) -> None:
    person = linked()
    comes_back(person, person.settled_load(50_00), "R10")
    assert bank_of(person).status == "removed"
    with actor(person.person.id):
        item = BankItem.objects.get()
        token = secrets.access_token(item)
    found, _ = plaid.accounts(token)
    with pytest.raises(LinkFailed, match="cannot be used"):
        accounts._link_one(item, token, found[0])


@pytest.mark.parametrize("stopped", [False, True])
def test_who_may_not_load_is_told_so_when_linking_a_bank(
    linked: Callable[..., Any], database: Database, browse: Any, api: Any, bank: Bank, stopped: bool
) -> None:
    person = linked()
    if stopped:
        database.as_superuser("update banking_railcustomer set stopped = true")
    else:
        comes_back(person, person.submit(person.load(50_00)), "R10")
    words = "has stopped transfers" if stopped else "looking into it"
    page = browse(person.person.id).post("/banks/link")
    assert words in page.content.decode()
    refused = api.post("/v1/bank-accounts", {"public_token": bank.public_token()}, person=person.person)
    assert_problem(refused, 403, "bank_transfers_stopped" if stopped else "account_frozen")
    assert words in refused.json()["detail"]


@pytest.mark.parametrize("removed_before", [False, True])
@pytest.mark.parametrize("rail", ["dwolla", "stripe"])
def test_a_barred_number_is_linked_by_nobody_and_over_no_rail(
    make_person: MakePerson, bank: Bank, database: Database, choose: Any, rail: str, removed_before: bool
) -> None:
    ada, eve = make_person("ada"), make_person("eve")
    number = f"55{rail == 'stripe':d}{removed_before:d}0911"
    same = {"subtype": "checking", "meta": {"name": "Daily"}, "numbers": {"account": number}}
    account = services.link_account(user_id=ada.id, public_token=bank.public_token(same))
    person = Linked(ada, account, database, bank)
    row = person.settled_load(50_00)
    if removed_before:
        services.remove_account(user_id=ada.id, bank_account=account.public_id)
    comes_back(person, row, "R10")
    assert (bank_of(person).status, bank_of(person).blocked_by) == ("removed", "R10")
    # What restricts ada is another matter: staff have lifted it.
    database.as_superuser("update banking_return set lifted_at = now()")
    with database.role("worker"):
        wallets.freeze(user_id=ada.id, level=Freeze.NONE, reason="")
    choose(rail)
    for who in (ada, eve):
        with pytest.raises(LinkFailed, match="cannot be used"):
            services.link_account(user_id=who.id, public_token=bank.public_token(same))
    other = {**same, "numbers": {"account": "55990912"}}
    assert services.link_account(user_id=eve.id, public_token=bank.public_token(other)).status == "active"


def test_who_owes_neither_sends_nor_redeems_and_the_next_load_repays(
    linked: Callable[..., Any], make_person: MakePerson, browse: Any
) -> None:
    person = linked()
    friend = make_person("friend")
    row = person.settled_load(50_00)
    payments.pay(payer_id=person.person.id, to=f"@{friend.username}", amount=30_00, note="", visibility="private", key=None)
    row = comes_back(person, row, "R01")
    state = person.wallet()
    assert (state.available, state.owed) == (0, 30_00)
    with actor(person.person.id):
        assert Return.objects.get().owed == 30_00
    payments.pay(payer_id=friend.id, to=f"@{person.person.username}", amount=5_00, note="", visibility="private", key=None)
    with pytest.raises(OwesMoney):
        payments.pay(payer_id=person.person.id, to=f"@{friend.username}", amount=1, note="", visibility="private", key=None)
    with pytest.raises(OwesMoney):
        person.redeem(1_00)
    pages = browse(person.person.id)
    for path in ("/pay", "/redeem"):  # said before anything is filled in
        assert "You owe $30.00" in pages.get(path).content.decode() and "/load" in pages.get(path).content.decode()
    assert 'name="amount"' in pages.get("/load").content.decode()
    person.settled_load(40_00)
    state = person.wallet()
    assert (state.available, state.owed) == (5_00 + 10_00, 0)
    person.redeem(15_00)


# ---------------------------------------------------------------------------------------------- restricted, and lifted
def test_a_restricted_person_receives_and_waits_for_staff(
    linked: Callable[..., Any], database: Database, staff_member: int, make_person: MakePerson
) -> None:
    person = linked(money=10_00)
    friend = make_person("friend", money=10_00)
    comes_back(person, person.settled_load(50_00), "R10")
    payments.pay(payer_id=friend.id, to=f"@{person.person.username}", amount=5_00, note="", visibility="private", key=None)
    with pytest.raises(AccountFrozen, match="looking into it"):
        payments.pay(payer_id=person.person.id, to=f"@{friend.username}", amount=1, note="", visibility="private", key=None)
    with pytest.raises(AccountFrozen):
        person.load()
    with actor(person.person.id):
        row = Return.objects.get()
    with database.role("staff"):
        returns.lift_restriction(return_id=row.pk, staff_id=staff_member, reason=REASON)
        with pytest.raises(Conflict):
            returns.lift_restriction(return_id=row.pk, staff_id=staff_member, reason=REASON)
        with pytest.raises(NotFound):
            returns.lift_restriction(return_id=row.pk + 999, staff_id=staff_member, reason=REASON)
        with pytest.raises(ValidationError):
            returns.lift_restriction(return_id=row.pk, staff_id=staff_member, reason="no")
    assert person.wallet().frozen == Freeze.SENDING
    sweep(database)
    assert person.wallet().frozen == Freeze.NONE
    with database.role("worker"):
        assert returns.lifted() == []


def test_lifting_one_of_two_or_beside_another_freeze_thaws_nothing(
    linked: Callable[..., Any], database: Database, staff_member: int
) -> None:
    person = linked()
    first, second = person.settled_load(10_00), person.settled_load(20_00)
    comes_back(person, first, "R10")
    comes_back(person, second, "R05")
    with actor(person.person.id):
        rows = list(Return.objects.order_by("pk").values_list("pk", flat=True))

    def lift(return_id: int) -> Freeze:
        with database.role("staff"):
            returns.lift_restriction(return_id=return_id, staff_id=staff_member, reason=REASON)
        sweep(database)
        return person.wallet().frozen

    assert lift(rows[0]) == Freeze.SENDING
    with database.role("worker"):
        wallets.freeze(user_id=person.person.id, level=Freeze.ALL, reason="A court asked us to.")
    assert lift(rows[1]) == Freeze.ALL


@pytest.mark.parametrize("first", [Freeze.SENDING, Freeze.ALL])
@pytest.mark.parametrize("restricted_before", [True, False])
def test_ending_another_freeze_ends_no_restriction(
    linked: Callable[..., Any], database: Database, staff_member: int, first: Freeze, restricted_before: bool
) -> None:
    person = linked()
    row = person.settled_load(10_00)
    if restricted_before:
        comes_back(person, row, "R10")
    with database.role("worker"):
        wallets.freeze(user_id=person.person.id, level=first, reason="A court asked us to.")
    if not restricted_before:
        comes_back(person, row, "R10")
    with database.role("worker"):
        call_command("freeze_wallet", person.person.username, "off")
    state = person.wallet()
    assert (state.frozen, state.frozen_reason) == (Freeze.SENDING, returns.RESTRICTED)
    with actor(person.person.id):
        kept = Return.objects.get()
    # The ledger's own status says the same, and staff's lift still ends it.
    assert database.as_superuser(f"select status from ledger_account where id = {state.account}") == [(1,)]
    with database.role("staff"):
        returns.lift_restriction(return_id=kept.pk, staff_id=staff_member, reason=REASON)
    sweep(database)
    assert person.wallet().frozen == Freeze.NONE


# ---------------------------------------------------------------------------------------------- presenting it again
def test_a_load_that_was_not_covered_is_presented_twice_again_and_no_more(linked: Callable[..., Any], api: Any) -> None:
    person = linked(name="R01")
    tries = [person.load(50_00)]
    for again in (1, 2):
        person.submit(tries[-1])
        comes_back(person, person.fresh(tries[-1]), "R01")
        made = [services.present_again(user_id=person.person.id, public_id=tries[-1].public_id) for _ in range(2)]
        assert made[0].pk == made[1].pk  # a second click lands on the same
        assert (made[0].presentment, made[0].represents_id, made[0].amount) == (again, tries[0].pk, 50_00)
        tries.append(made[0])
    person.submit(tries[-1])
    comes_back(person, person.fresh(tries[-1]), "R01")
    refused = api.post(f"/v1/loads/{tries[-1].public_id}/again", {}, person=person.person)
    assert_problem(refused, 409, "conflict")
    with actor(person.person.id):
        assert BankTransfer.objects.count() == 3


def test_who_is_stopped_or_asks_for_too_little_presents_nothing_again(
    linked: Callable[..., Any], database: Database, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from banking import rails

    person = linked()
    row = comes_back(person, person.submit(person.load(50_00)), "R01")
    database.as_superuser("update banking_railcustomer set stopped = true")
    assert_problem(api.post(f"/v1/loads/{row.public_id}/again", {}, person=person.person), 403, "bank_transfers_stopped")
    database.as_superuser("update banking_railcustomer set stopped = false")
    dwolla = rails.rail("dwolla")
    monkeypatch.setattr(dwolla, "terms", replace(dwolla.terms, minimum=50_01))
    with pytest.raises(ValidationError):
        services.present_again(user_id=person.person.id, public_id=row.public_id)
    monkeypatch.undo()
    assert services.present_again(user_id=person.person.id, public_id=row.public_id).presentment == 1


def test_a_redemption_that_failed_without_a_reason_stops_the_bank(linked: Callable[..., Any]) -> None:
    """So it is at Stripe: the same account is not redeemed to for ever."""
    person = linked(money=50_00)
    comes_back(person, person.submit(person.redeem(20_00)), "")
    assert (bank_of(person).status, bank_of(person).broken_by) == ("relink", "dwolla")
    assert person.money() == (50_00, 0, 0)
    with pytest.raises(ValidationError):
        person.redeem(20_00)


@pytest.mark.parametrize("code", ["R02", "R10", "", "R99"])
def test_only_what_may_be_covered_later_is_presented_again(code: str, linked: Callable[..., Any], database: Database) -> None:
    person = linked()
    row = comes_back(person, person.submit(person.load(50_00)), code)
    with pytest.raises((NotPresentable, AccountFrozen)):
        services.present_again(user_id=person.person.id, public_id=row.public_id)


def test_not_after_half_a_year_not_while_it_is_open_and_nobody_elses(linked: Callable[..., Any], database: Database) -> None:
    person, eve = linked(), linked()
    row = person.submit(person.load(50_00))
    with pytest.raises(NotPresentable):
        services.present_again(user_id=person.person.id, public_id=row.public_id)
    comes_back(person, row, "R09")
    with pytest.raises(NotFound):
        services.present_again(user_id=eve.person.id, public_id=row.public_id)
    database.as_superuser("alter table banking_banktransfer disable trigger banking_check_move")
    database.as_superuser("update banking_banktransfer set created_at = now() - interval '181 days'")
    with pytest.raises(NotPresentable):
        services.present_again(user_id=person.person.id, public_id=row.public_id)


def test_what_comes_again_repays_what_is_owed(linked: Callable[..., Any], make_person: MakePerson, bank: Bank) -> None:
    person, friend = linked(), make_person("friend")
    row = person.settled_load(50_00)
    payments.pay(payer_id=person.person.id, to=f"@{friend.username}", amount=50_00, note="", visibility="private", key=None)
    comes_back(person, row, "R01")
    again = person.submit(services.present_again(user_id=person.person.id, public_id=row.public_id))
    bank.advance(3)
    assert person.refresh(again).status == "settled"
    state = person.wallet()
    assert (state.available, state.owed) == (0, 0)


# ---------------------------------------------------------------------------------------------- two of the staff
def paid_in(database: Database, amount: int) -> None:
    with database.role("worker"):
        ledger.post(ledger.Posting(new_reference(), Kind.CAPITAL_IN, Account.RESERVE_DWOLLA, Account.CAPITAL, amount))


def test_a_write_off_takes_two_and_comes_out_of_the_loss_reserve(
    linked: Callable[..., Any], make_person: MakePerson, database: Database, staff_member: int, colleague: int
) -> None:
    person, friend = linked(), make_person("friend")
    row = person.settled_load(50_00)
    payments.pay(payer_id=person.person.id, to=f"@{friend.username}", amount=50_00, note="", visibility="private", key=None)
    comes_back(person, row, "R01")
    with actor(person.person.id):
        who = User.objects.get(pk=person.person.id).public_id
    paid_in(database, 80_00)

    def decided(kind: str, amount: int, person: str | None = None) -> Correction:
        with database.role("staff"):
            made = corrections.ask(kind=kind, amount=amount, person=person, staff_id=staff_member, reason=REASON)
            with pytest.raises(Conflict, match="yourself"):
                corrections.decide(correction=made, approve=True, staff_id=staff_member, reason=REASON)
            corrections.decide(correction=made, approve=True, staff_id=colleague, reason=REASON)
            with pytest.raises(Conflict, match="already"):
                corrections.decide(correction=made, approve=False, staff_id=colleague, reason=REASON)
        for _ in range(3):
            sweep(database)
        with database.role("worker"), actor(SYSTEM):
            return Correction.objects.get(pk=made)

    assert decided("write_off", 50_00, who).refused == "The loss reserve does not hold $50.00."
    assert decided("loss_reserve", 90_00).refused == "Capital does not hold $90.00."
    assert decided("loss_reserve", 60_00).posted_at is not None
    assert decided("write_off", 60_00, who).refused == "The person owes less than $60.00."
    assert person.wallet().owed == 50_00
    payments.pay(payer_id=friend.id, to=f"@{person.person.username}", amount=5_00, note="", visibility="private", key=None)
    assert decided("write_off", 50_00, who).refused.startswith("The person's wallet holds $5.00")
    assert decided("write_off", 45_00, who).posted_at is not None
    assert (person.wallet().available, person.wallet().owed) == (5_00, 5_00)
    balances = {name: amount for name, _, _, amount in trial_balance(database)}
    assert (balances["capital"], balances["loss_reserve"]) == (20_00, 15_00)


def trial_balance(database: Database) -> Any:
    from ledger.queries import trial_balance

    with database.role("staff"):
        return trial_balance()


def test_what_was_refused_moves_nothing(database: Database, staff_member: int, colleague: int) -> None:
    paid_in(database, 80_00)
    with database.role("staff"):
        made = corrections.ask(kind="loss_reserve", amount=10_00, person=None, staff_id=staff_member, reason=REASON)
        corrections.decide(correction=made, approve=False, staff_id=colleague, reason=REASON)
        with pytest.raises(NotFound):
            corrections.decide(correction=made + 999, approve=True, staff_id=colleague, reason=REASON)
        with pytest.raises(ValidationError):
            corrections.ask(kind="loss_reserve", amount=0, person=None, staff_id=staff_member, reason=REASON)
        with pytest.raises(NotFound):
            corrections.ask(kind="write_off", amount=1, person="usr_nobody", staff_id=staff_member, reason=REASON)
    sweep(database)
    balances = {name: amount for name, _, _, amount in trial_balance(database)}
    assert (balances["capital"], balances["loss_reserve"]) == (80_00, 0)


def test_the_table_itself_wants_two_and_keeps_what_was_asked(database: Database, staff_member: int, colleague: int) -> None:
    import psycopg2

    with database.role("staff"):
        made = corrections.ask(kind="loss_reserve", amount=10_00, person=None, staff_id=staff_member, reason=REASON)
    for wrong, state in (
        (f"decided_by_id = {staff_member}, decided_at = now(), approved = true", "23514"),
        ("amount = 1", "PB003"),
        ("posted_at = now()", "23514"),
    ):
        with pytest.raises(psycopg2.Error) as refusal:
            database.as_superuser(f"update banking_correction set {wrong} where id = %s", [made])
        assert refusal.value.pgcode == state
