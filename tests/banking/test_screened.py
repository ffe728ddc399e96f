"""Loads and redemptions are screened before any rail hears of them: limits of weeks and of fresh loads, and a review."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from banking import services
from banking.models import BankTransfer
from banking.services import reviews
from bench.campaigns.ground import change
from compliance import queries
from compliance.models import Case, Letter, LimitName
from compliance.services import freezes
from core.actor import SYSTEM, actor
from core.errors import Conflict, LimitExceeded
from privacy.services import closing
from tests.banking.sandbox import Bank
from tests.conftest import Database
from tests.helpers import Api, assert_problem, at_once
from tests.payments.test_held import scored
from wallets.services import Freeze

REASON = "Support case 4711"
pytestmark = pytest.mark.usefixtures("default_limits")
Linking = Callable[..., Any]


def older(database: Database, person: Any, days: int) -> None:
    """The account is so many days older than it is."""
    sql = "update users_user set created_at = created_at - %s * interval '1 day' where id = %s"
    database.as_superuser(sql, [days, person.person.id])


def given(database: Database, person: Any, cents: int, days: float) -> None:
    """A load that settled some days ago."""
    moment = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    database.as_superuser(
        f"select set_config('paya.now', '{moment}', false); select ledger_post(gen_random_uuid(), 1::smallint, 1, account, %s)"
        " from wallets_wallet where user_id = %s", [cents, person.person.id],
    )  # fmt: skip
    database.as_superuser("select set_config('paya.now', '', false)")


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(LimitExceeded) as error:
        call()
    return dict(error.value.data)


def limit(person: Any, name: LimitName) -> Any:
    with actor(person.person.id):
        return queries.limits_by_name(person.person.id)[name]


# ------------------------------------------------------------------------------------------------------------- loads
def test_a_hundred_in_the_first_days_and_what_is_on_its_way_counts(linked: Linking, database: Database, api: Any) -> None:
    person = linked()
    body = {"amount": 100_01, "bank_account": person.account.public_id}
    problem = assert_problem(api.post("/v1/loads", body, person=person.person, key="a"), 403, "limit_exceeded")
    assert (problem["limit"], problem["remaining"]) == ("loads_while_new", 100_00)
    first = person.load(60_00)
    data = refused(lambda: person.load(40_01))
    assert (data["used"], data["remaining"]) == (60_00, 40_00)
    frees = datetime.fromisoformat(data["resets_at"])
    assert timedelta(days=6, hours=23) < frees - datetime.now(UTC) < timedelta(days=7)
    second = person.load(40_00)
    refused(lambda: person.load(1))
    # One that will never arrive makes room again.
    with database.role("web"):
        services.request_cancel(user_id=person.person.id, kind=BankTransfer.Kind.LOAD, public_id=second.public_id)
    assert person.submit(second).status == "cancelled"
    assert person.load(40_00).status == "requested"
    person.submit(first)
    person.bank.advance(3)
    assert person.refresh(first).status == "settled"
    assert limit(person, LimitName.LOADS_WHILE_NEW).used == 100_00


def test_of_two_at_once_one_gets_the_last_of_it(linked: Linking) -> None:
    person = linked()
    results = at_once(4, lambda n: person.load(60_00))
    assert sum(isinstance(result, BankTransfer) for result in results) == 1
    assert all(isinstance(result, BankTransfer | LimitExceeded) for result in results)
    assert person.money() == (0, 60_00, 0)


def test_two_thousand_in_a_week_that_rolls(linked: Linking, database: Database) -> None:
    person = linked()
    older(database, person, 30)
    given(database, person, 1_500_00, days=7.1)
    given(database, person, 1_200_00, days=6)
    data = refused(lambda: person.load(800_01))
    assert (data["limit"], data["used"], data["maximum"]) == ("loads_per_week", 1_200_00, 2_000_00)
    assert timedelta(hours=23) < datetime.fromisoformat(data["resets_at"]) - datetime.now(UTC) < timedelta(hours=25)
    assert person.load(800_00).status == "requested"


# ------------------------------------------------------------------------------------------------------- redemptions
def test_nothing_in_the_first_fortnight(linked: Linking, database: Database, browse: Any) -> None:
    person = linked()
    given(database, person, 80_00, days=0.1)
    data = refused(lambda: person.redeem(1_00))
    assert data["limit"] == "days_before_redeeming"
    assert timedelta(days=13) < datetime.fromisoformat(data["resets_at"]) - datetime.now(UTC) < timedelta(days=14)
    assert person.money() == (80_00, 0, 0)
    page = browse(person.person.id).get("/redeem").content.decode()  # said before anything is filled in
    assert "You can redeem from <time" in page and "14 days old" in page and 'name="amount"' not in page
    older(database, person, 14)
    assert 'name="amount"' in browse(person.person.id).get("/redeem").content.decode()
    assert person.redeem(1_00).status == "requested"


def test_of_fresh_loads_so_much_and_of_everything_else_as_much_as_there_is(linked: Linking, database: Database) -> None:
    person = linked()
    older(database, person, 100)
    given(database, person, 300_00, days=61)  # no bank takes this back any more
    given(database, person, 900_00, days=20)
    data = refused(lambda: person.redeem(800_01))
    assert (data["limit"], data["maximum"]) == ("unseasoned_redeemable", 500_00)
    assert person.redeem(300_00).status == "requested"
    seen = limit(person, LimitName.UNSEASONED_REDEEMABLE)
    assert (seen.used, seen.beyond) == (0, 0)
    assert person.redeem(500_00).status == "requested"
    data = refused(lambda: person.redeem(1))
    assert (data["used"], data["remaining"]) == (500_00, 0)
    assert timedelta(days=39) < datetime.fromisoformat(data["resets_at"]) - datetime.now(UTC) < timedelta(days=41)


# ------------------------------------------------------------------------------------------------------------ reviews
@pytest.fixture
def holding(database: Database) -> Iterator[None]:
    with scored(database, 400, 1001, payer_new=1000):
        yield


def new_and_may_redeem(database: Database, person: Any) -> None:
    """Three days old: new enough to be held for it, and allowed to redeem from the first day on."""
    older(database, person, 3)
    database.as_superuser(
        "insert into compliance_limit (name, tier, value, effective_at, reason)"
        " values ('days_before_redeeming', 1, 1, '2020-01-01Z', 'A test')"
    )


def case(database: Database, row: BankTransfer) -> Case:
    with database.role("worker"), actor(SYSTEM):
        return Case.objects.get(about=row.public_id)


def letters(database: Database, person: Any) -> list[str]:
    with database.role("worker"), actor(SYSTEM):
        return list(Letter.objects.filter(user_id=person.person.id).order_by("id").values_list("kind", flat=True))


def decide(database: Database, staff: int, row: BankTransfer, how: str) -> None:
    with database.role("staff"):
        if how == "release":
            reviews.release(transfer=row.public_id, label="legitimate", staff_id=staff, reason=REASON)
        else:
            reviews.deny(transfer=row.public_id, label="fraud", told="We did not let it out.", staff_id=staff, reason=REASON)


def test_a_held_load_reaches_no_rail_until_it_is_released(
    linked: Linking, database: Database, holding: None, staff_member: int, bank: Bank, browse: Any
) -> None:
    person = linked()
    row = person.load(50_00)
    assert (row.status, row.review, row.due_at) == ("requested", "waiting", None)
    assert person.submit(row).status == "requested"  # even where somebody wakes it up
    shown = browse(person.person.id).get(f"/loads/{row.public_id}").content.decode()
    assert "We are looking at it first" in shown and "<b>Arrives by" not in shown and "Cancel this load" in shown
    home = browse(person.person.id).get("/").content.decode()
    assert "is looked at first" in home and "arrives by" not in home
    assert (case(database, row).kind, letters(database, person)) == ("held_transfer", ["transfer_held"])
    decide(database, staff_member, row, "release")
    assert person.submit(person.fresh(row)).status == "pending"
    assert case(database, row).outcome == "released"
    with database.role("worker"), actor(SYSTEM):
        assert Letter.objects.filter(user_id=person.person.id).latest("id").title == "Your load of $50.00 goes out now"
    for how in ("release", "deny"):
        with pytest.raises(Conflict):
            decide(database, staff_member, row, how)
    bank.advance(3)
    assert person.refresh(row).status == "settled"
    assert person.money() == (50_00, 0, 0)


def test_a_held_redemption_is_set_aside_and_comes_back(
    linked: Linking, database: Database, holding: None, staff_member: int, browse: Any
) -> None:
    person = linked(money=80_00)
    new_and_may_redeem(database, person)
    row = person.redeem(30_00)
    assert (row.review, person.money()) == ("waiting", (50_00, 0, 30_00))
    decide(database, staff_member, row, "deny")
    assert person.submit(row).status == "cancelled"
    assert person.money() == (80_00, 0, 0)
    assert letters(database, person) == ["transfer_held", "transfer_denied"]
    letter = Api().get("/v1/messages", person=person.person).json()["data"][0]
    assert letter["title"] == "We did not let your redemption of $30.00 go out"
    assert f"ask us to look again: /appeal?about={row.public_id}" in letter["body"] and "your bank" not in letter["body"]
    assert case(database, row).label == "fraud"
    shown = browse(person.person.id).get(f"/redemptions/{row.public_id}").content.decode()
    assert "It is back in your wallet." in shown and f'href="/appeal?about={row.public_id}"' in shown


def test_the_person_cancels_what_is_held(linked: Linking, database: Database, holding: None, staff_member: int) -> None:
    person = linked()
    row = person.load(50_00)
    with database.role("web"):
        services.request_cancel(user_id=person.person.id, kind=BankTransfer.Kind.LOAD, public_id=row.public_id)
    assert person.fresh(row).status == "cancelled" or person.submit(row).status == "cancelled"
    assert case(database, row).outcome == "cancelled" and person.money() == (0, 0, 0)
    with pytest.raises(Conflict):
        decide(database, staff_member, row, "release")


def meanwhile(database: Database, person: Any, what: str) -> None:
    """What happened to the person while a transfer of theirs was held."""
    if what == "closing":
        with database.role("web"):
            closing.begin(user_id=person.person.id, device_id=None)
    elif what == "owes":
        debt = "select ledger_post(gen_random_uuid(), 12::smallint, receivable_account, 1, 1) from wallets_wallet"
        database.as_superuser(f"{debt} where user_id = %s", [person.person.id])
    else:
        with database.role("worker"):
            freezes.freeze_by_command(user_id=person.person.id, level=Freeze(int(what)), reason="Something is being looked at.")


@pytest.mark.parametrize("kind", ["load", "redemption"])
@pytest.mark.parametrize("what", ["1", "2", "owes", "closing"])
def test_it_is_not_let_out_of_an_account_that_was_frozen_meanwhile(
    linked: Linking, database: Database, holding: None, staff_member: int, what: str, kind: str
) -> None:
    """Nor a redemption while they owe. Back it goes whole; and closing the account is no reason to keep it."""
    person = linked(money=80_00 if kind == "redemption" else 0)
    new_and_may_redeem(database, person)
    row = person.redeem(80_00) if kind == "redemption" else person.load(50_00)
    assert row.review == "waiting"
    meanwhile(database, person, what)
    if what == "closing" or (what == "owes" and kind == "load"):
        decide(database, staff_member, row, "release")
        assert person.submit(person.fresh(row)).status == "pending"
        return
    with pytest.raises(Conflict, match="owes us meanwhile" if what == "owes" else "frozen meanwhile"):
        decide(database, staff_member, row, "release")
    assert (person.fresh(row).review, case(database, row).status) == ("waiting", "open")
    assert person.submit(row).status == "requested"
    decide(database, staff_member, row, "deny")
    assert person.submit(row).status == "cancelled"
    assert person.money()[0] == (80_00 if kind == "redemption" else 0) and person.money()[1:] == (0, 0)
    assert letters(database, person)[-1] == "transfer_denied"


def test_without_that_look_it_leaves_a_frozen_account(
    linked: Linking, database: Database, holding: None, staff_member: int
) -> None:
    """The control."""
    person = linked(money=80_00)
    new_and_may_redeem(database, person)
    row = person.redeem(80_00)
    meanwhile(database, person, "2")
    change(database, "banking_end_review", r"compliance_restricted\(t\.user_id\) > 0", "false")
    decide(database, staff_member, row, "release")
    assert person.submit(person.fresh(row)).status == "pending"


def test_what_nobody_decided_goes_back_to_a_frozen_account_too(
    linked: Linking, database: Database, holding: None
) -> None:
    person = linked(money=80_00)
    new_and_may_redeem(database, person)
    row = person.redeem(80_00)
    meanwhile(database, person, "2")
    forgotten(database)
    with database.role("worker"):
        assert reviews.expire() == [row.public_id]
    assert person.submit(row).status == "cancelled"
    assert person.money() == (80_00, 0, 0) and letters(database, person)[-1] == "transfer_denied"


def forgotten(database: Database) -> None:
    database.as_superuser(
        "set session_replication_role = replica; update compliance_case set created_at = created_at - interval '8 days';"
        " set session_replication_role = origin"
    )


def test_nobody_decides(linked: Linking, database: Database, holding: None) -> None:
    person = linked()
    row = person.load(50_00)
    with database.role("worker"):
        assert reviews.expire() == []
    forgotten(database)
    with database.role("worker"):
        assert reviews.expire() == [row.public_id]
        assert reviews.expire() == []
    assert person.submit(row).status == "cancelled"
    assert person.money() == (0, 0, 0) and letters(database, person)[-1] == "transfer_denied"


def test_a_denied_load_leaves_a_record_and_a_case(linked: Linking, database: Database, api: Any) -> None:
    person = linked()
    body = {"amount": 10_00, "bank_account": person.account.public_id}
    with scored(database, 100, 400, payer_new=500):
        problem = assert_problem(api.post("/v1/loads", body, person=person.person, key="a"), 403, "not_possible")
    assert "score" not in str(problem).lower()
    assert database.as_superuser("select kind, decision from compliance_assessment") == [("load", "denied")]
    assert database.as_superuser("select count(*) from banking_banktransfer") == [(0,)]
    assert api.post("/v1/loads", body, person=person.person, key="a").status_code == 201
