"""Payments that are set aside for their score: seen by both, and ended exactly once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from compliance import queries, scoring
from compliance.models import Case, Letter
from core.actor import SYSTEM, actor
from core.errors import Conflict, LimitExceeded, NotFound
from payments import services
from tests.conftest import Database, PersonForTest, restore_limits
from tests.helpers import Api, assert_problem, at_once
from tests.payments.people import browser, person
from tests.payments.test_paying import balance, pay, relayed
from wallets import queries as wallets
from wallets import services as wallet_services
from wallets.services import Freeze

REASON = "Support case 4711"


@contextmanager
def scored(database: Database, hold_at: int, deny_at: int, **weights: int) -> Iterator[None]:
    """Another version of the score decides."""
    [(before,)] = database.as_superuser("select id from compliance_scoreversion where state = 'active'")
    database.as_superuser("update compliance_scoreversion set state = 'retired' where state = 'active'")
    database.as_superuser(
        "insert into compliance_scoreversion (name, weights, hold_at, deny_at, state, reason)"
        " select 'test-' || count(*), %s, %s, %s, 'active', 'A test' from compliance_scoreversion",
        [json.dumps(weights or {"never_paid": 500}), hold_at, deny_at],
    )
    scoring._version.cache_clear()  # each database numbers its versions from one
    try:
        yield
    finally:
        database.as_superuser("update compliance_scoreversion set state = 'retired' where state = 'active'")
        database.as_superuser("update compliance_scoreversion set state = 'active' where id = %s", [before])
        scoring._version.cache_clear()


@pytest.fixture
def holding(database: Database) -> Iterator[None]:
    """A first payment to somebody is held."""
    with scored(database, 400, 1001):
        yield


def held(payer: PersonForTest, payee: PersonForTest, amount: int = 500, **more: Any) -> str:
    answer = pay(payer, payee, amount, **more)
    assert answer.status_code == 201 and answer.json()["status"] == "in_review", answer.content
    return str(answer.json()["id"])


def state(database: Database, payment: str) -> str:
    return str(database.as_superuser("select status from payments_payment where public_id = %s", [payment])[0][0])


def money(one: PersonForTest) -> tuple[int, int]:
    with actor(one.id):
        row = wallets.wallet(one.id)
        return row.available, row.held


def letters(database: Database, one: PersonForTest) -> list[str]:
    with database.role("worker"), actor(SYSTEM):
        return list(Letter.objects.filter(user_id=one.id).order_by("id").values_list("kind", flat=True))


def case_of(database: Database, payment: str) -> Case:
    with database.role("worker"), actor(SYSTEM):
        return Case.objects.get(about=payment)


@contextmanager
def as_staff(database: Database) -> Iterator[int]:
    """A member of staff, who may do everything."""
    [(staff,)] = database.as_superuser(
        "insert into users_user (password, is_superuser, public_id, kind, email, is_active)"
        " select 'x', false, 'usr_s' || count(*), 'staff', 'staff' || count(*) || '@staff.example', true from users_user"
        " returning id"
    )
    if database.as_superuser("select to_regclass('console_staffrole') is not null")[0][0]:
        database.as_superuser("insert into console_staffrole (user_id, role) values (%s, 'compliance')", [staff])
    with database.role("staff"):
        yield int(staff)


def release(database: Database, payment: str) -> None:
    with as_staff(database) as staff:
        services.release_held(payment=payment, label="legitimate", staff_id=staff, reason=REASON)


def deny(database: Database, payment: str) -> None:
    with as_staff(database) as staff:
        services.deny_held(
            payment=payment, label="scam", told="We did not let it through.", staff_id=staff, reason=REASON
        )  # fmt: skip


def test_it_is_set_aside_and_both_are_told(database: Database, holding: None) -> None:
    ann, bob = person(database, 5_000), person(database)
    payment = held(ann, bob, key="once")
    assert pay(ann, bob, 500, key="once").json() == Api().get(f"/v1/payments/{payment}", person=ann).json()
    assert (money(ann), money(bob)) == ((4_500, 500), (0, 0))
    for one in (ann, bob):
        assert Api().get(f"/v1/payments/{payment}", person=one).json()["status"] == "in_review"
        assert letters(database, one) == ["payment_held"]
    relayed(database)
    assert payment not in str(Api().get("/v1/feed").json())
    case = case_of(database, payment)
    assert (case.kind, case.status, case.user_id) == ("held_payment", "open", ann.id)
    assert case.signals["score"] == 500 and case.signals["signals"][0][0] == "never_paid"
    assert "500" not in str(case.detail)
    # In words, and not before it has arrived: hand over nothing for it.
    assert "has not arrived yet" in browser(bob).get(f"/payments/{payment}").content.decode()
    assert "Cancel it" in browser(ann).get(f"/payments/{payment}").content.decode()
    assert "Cancel it" not in browser(bob).get(f"/payments/{payment}").content.decode()


@pytest.mark.parametrize("ended", ["not yet", "cancelled", "denied"])
def test_trying_again_does_not_make_a_payee_known(database: Database, holding: None, ended: str) -> None:
    """What was only held is nobody's who was paid before: the second one is held for the same."""
    ann, bob = person(database, 5_000), person(database)
    first = held(ann, bob)
    if ended == "cancelled":
        services.cancel_held(user_id=ann.id, payment=first)
    elif ended == "denied":
        deny(database, first)
    second = held(ann, bob)
    release(database, second)
    assert pay(ann, bob, 100).json()["status"] == "completed"  # now they have paid them


def test_its_page_offers_what_fits_and_the_activity_names_whom_it_is_for(database: Database, holding: None) -> None:
    ann, bob = person(database, 5_000), person(database, name="Bob Bright")
    payment = held(ann, bob)
    for one in (ann, bob):
        shown = browser(one).get(f"/payments/{payment}").content.decode()
        assert "Pay again" not in shown and "Pay back" not in shown and "look again" not in shown
        assert 'class="plus"' not in shown  # it has not come in
        # Only money that is gone is reported; of this one writes to us.
        assert f'href="/help?about={payment}"' in shown and "/disputes/new" not in shown
    line = Api().get("/v1/wallet/transactions", person=ann).json()["data"][0]
    assert line["counterparty"] == {"username": bob.username, "display_name": "Bob Bright"}
    activity = browser(ann).get("/activity").content.decode()
    assert f"@{bob.username}, set aside to be checked" in activity and "Bob Bright" in activity
    deny(database, payment)
    assert f"@{bob.username}, came back" in browser(ann).get("/activity").content.decode()
    denied = browser(ann).get(f"/payments/{payment}").content.decode()
    assert "Pay again" not in denied and f'href="/appeal?about={payment}"' in denied
    for one in (ann, bob):
        [newest, *_] = Api().get("/v1/messages", person=one).json()["data"]
        assert f'href="/appeal?about={payment}"' in browser(one).get(f"/messages/{newest['id']}").content.decode()


def newest(one: PersonForTest) -> str:
    """Title and body of the last letter, as its person reads it."""
    letter = Api().get("/v1/messages", person=one).json()["data"][0]
    return f"{letter['title']}\n{letter['body']}"


def test_letters_say_which_payment_it_was_and_lead_to_an_appeal(database: Database, holding: None) -> None:
    ann, bob = person(database, 5_000), person(database)
    appeal = "ask us to look again: /appeal?about={}"
    payment = held(ann, bob)
    deny(database, payment)
    for one, other in ((ann, bob), (bob, ann)):
        said = newest(one)
        assert f"@{other.username}" in said.split("\n")[0] and appeal.format(payment) in said and "under Help" not in said
    release(database, held(ann, eve := person(database)))
    assert newest(ann).startswith(f"Your payment to @{eve.username} has arrived")
    assert newest(eve).startswith(f"The payment from @{ann.username} has arrived")
    services.cancel_held(user_id=ann.id, payment=held(ann, cid := person(database)))
    assert newest(cid).startswith(f"A payment from @{ann.username} was cancelled")
    late = held(ann, dan := person(database))
    database.as_superuser("update payments_payment set created_at = created_at - interval '8 days' where public_id = %s", [late])
    with database.role("worker"):
        assert services.expire_held() == [late]
    assert newest(ann).startswith(f"Your payment to @{dan.username} went back")
    assert newest(dan).startswith(f"A payment from @{ann.username} was cancelled")
    answer = Api().post("/v1/appeals", {"about": payment, "message": "It was for the rent."}, person=ann)
    assert answer.status_code == 201 and answer.json()["against"] == "payment"


@pytest.mark.parametrize("how", ["denied", "cancelled"])
def test_the_page_of_what_went_back_says_nothing_of_a_balance_or_a_feed(database: Database, holding: None, how: str) -> None:
    ann, bob = person(database, 5_000), person(database)
    payment = held(ann, bob)
    page = browser(ann).get(f"/payments/{payment}").content.decode()
    assert "Your balance after it" in page and "$45.00" in page and "Everyone once it has arrived" in page
    assert "Make it private" in page and "leaves the public feed" not in page
    if how == "denied":
        deny(database, payment)
    else:
        services.cancel_held(user_id=ann.id, payment=payment)
    for one in (ann, bob):
        page = browser(one).get(f"/payments/{payment}").content.decode()
        assert not any(words in page for words in ("balance", "Who sees it", "Make it private"))


def test_released_it_arrives_and_is_in_the_feed(database: Database, holding: None) -> None:
    ann, bob = person(database, 5_000), person(database)
    payment = held(ann, bob)
    release(database, payment)
    assert (money(ann), money(bob)) == ((4_500, 0), (500, 0))
    relayed(database)
    assert payment in str(Api().get("/v1/feed").json())
    assert letters(database, ann)[-1] == letters(database, bob)[-1] == "payment_released"
    assert (case_of(database, payment).outcome, case_of(database, payment).label) == ("released", "legitimate")
    for again in (release, deny):
        with pytest.raises(Conflict):
            again(database, payment)
    problem = assert_problem(Api().post(f"/v1/payments/{payment}/cancel", person=ann), 409, "not_held")
    assert "score" not in str(problem)


def test_denied_it_goes_back(database: Database, holding: None) -> None:
    ann, bob = person(database, 5_000), person(database)
    payment = held(ann, bob)
    deny(database, payment)
    assert (money(ann), money(bob), state(database, payment)) == ((5_000, 0), (0, 0), "denied")
    assert letters(database, ann)[-1] == letters(database, bob)[-1] == "payment_denied"
    assert case_of(database, payment).label == "scam"
    relayed(database)
    assert payment not in str(Api().get("/v1/feed").json())


def test_the_payer_cancels_and_nobody_else(database: Database, holding: None) -> None:
    ann, bob, eve = person(database, 5_000), person(database), person(database)
    payment = held(ann, bob)
    for stranger in (bob, eve):
        with pytest.raises(NotFound):
            services.cancel_held(user_id=stranger.id, payment=payment)
        assert_problem(Api().post(f"/v1/payments/{payment}/cancel", person=stranger), 404, "not_found")
    first = Api().post(f"/v1/payments/{payment}/cancel", person=ann)
    assert first.json()["status"] == "cancelled"
    assert Api().post(f"/v1/payments/{payment}/cancel", person=ann).json() == first.json()  # a second click
    assert (money(ann), letters(database, bob)[-1]) == ((5_000, 0), "payment_cancelled")
    with pytest.raises(Conflict):
        release(database, payment)


def test_of_all_who_end_it_at_once_one_does(database: Database, holding: None) -> None:
    ann, bob = person(database, 50_000), person(database)
    for _ in range(4):
        with as_staff(database) as staff:
            database.become("web")
            payment = held(ann, person(database))
            database.become("staff")
            deciding: dict[str, Any] = {"payment": payment, "staff_id": staff, "reason": REASON}

            def end(n: int, deciding: dict[str, Any] = deciding) -> None:
                if n % 2:
                    services.release_held(label="legitimate", **deciding)
                else:
                    services.deny_held(label="scam", told="Not let through.", **deciding)

            results = at_once(4, end)
        assert [result for result in results if not isinstance(result, Exception)] == [None]
        assert all(isinstance(result, Conflict) for result in results if result is not None)
    assert money(ann)[1] == 0 and balance(bob) == 0


def test_the_control_ends_it_twice(database: Database, holding: None) -> None:
    """Without the look at its status the hold account's floor and the reference of each step are what is left."""
    ann, bob = person(database, 50_000), person(database)
    payment, other = held(ann, bob, 500), held(ann, person(database), 500)
    name = "payments_end_held(text, text)"
    [(whole,)] = database.as_superuser("select pg_get_functiondef(%s::regprocedure)", [name])
    database.as_superuser(whole.replace("IF p.status <> 'in_review' THEN", "IF false THEN"))
    try:
        release(database, payment)
        deny(database, payment)
    finally:
        database.as_superuser(whole)
    # The money of the other payment went instead: what the check above keeps from happening.
    assert money(ann) == (49_500, 0) and balance(bob) == 500 and state(database, other) == "in_review"


def test_a_recipient_who_cannot_receive_keeps_it_waiting(database: Database, holding: None) -> None:
    ann, bob = person(database, 5_000), person(database)
    payment = held(ann, bob)
    with database.role("worker"), actor(SYSTEM):
        wallet_services.set_frozen(user_id=bob.id, level=Freeze.ALL, reason="Something is being looked at.")
    with pytest.raises(Conflict, match="cannot receive"):
        release(database, payment)
    assert (state(database, payment), money(ann)) == ("in_review", (4_500, 500))
    assert case_of(database, payment).status == "open"
    deny(database, payment)
    assert money(ann) == (5_000, 0)


def test_a_frozen_payer_gets_it_back_all_the_same(database: Database, holding: None) -> None:
    ann, bob, cid = person(database, 5_000), person(database), person(database)
    first, second = held(ann, bob), held(ann, cid)
    with database.role("worker"), actor(SYSTEM):
        wallet_services.set_frozen(user_id=ann.id, level=Freeze.ALL, reason="Something is being looked at.")
    deny(database, first)
    services.cancel_held(user_id=ann.id, payment=second)
    assert money(ann) == (5_000, 0)


def test_nobody_decides(database: Database, holding: None) -> None:
    ann, bob = person(database, 5_000), person(database)
    old, young = held(ann, bob), held(ann, person(database))
    database.as_superuser("update payments_payment set created_at = created_at - interval '8 days' where public_id = %s", [old])
    with database.role("worker"):
        assert services.late_held() >= 1
        assert services.expire_held() == [old]
        assert services.expire_held() == []
    assert (state(database, old), state(database, young), money(ann)) == ("cancelled", "in_review", (4_500, 500))
    assert letters(database, ann)[-1] == letters(database, bob)[-1] == "payment_cancelled"


def test_a_held_payment_counts_as_sent_whatever_becomes_of_it(database: Database) -> None:
    with scored(database, 400, 1001):
        restore_limits(database)
        ann = person(database, 5_000)
        people = [person(database) for _ in range(10)]
        for one in people[:5]:
            services.cancel_held(user_id=ann.id, payment=held(ann, one, 1))
        for one in people[5:]:
            held(ann, one, 1)
        with pytest.raises(LimitExceeded) as refused:
            services.pay(payer_id=ann.id, to=people[0].username, amount=1, note="", visibility="public", key=None)
        assert refused.value.data["limit"] == "sends_per_hour"
        with actor(ann.id):
                used = {one.name.value: one.used for one in queries.limits_of(ann.id)}
        assert (used["sends_per_hour"], used["recipients_per_day"]) == (10, 10)


# ------------------------------------------------------------------------------------------------- denied for its score
def test_a_denied_payment_moves_nothing_and_says_no_rule(database: Database) -> None:
    ann, bob = person(database, 5_000), person(database)
    with scored(database, 100, 400):
        problem = assert_problem(pay(ann, bob, 500), 403, "not_possible")
    assert set(problem) <= {"type", "title", "status", "detail", "code", "request_id", "instance"}
    assert "score" not in str(problem).lower() and "paid" not in str(problem).lower()
    assert (money(ann), money(bob)) == ((5_000, 0), (0, 0))
    kept = database.as_superuser("select decision, score, amount from compliance_assessment where user_id = %s", [ann.id])
    assert kept == [("denied", 500, 500)]
    with database.role("worker"), actor(SYSTEM):
        assert Case.objects.get(user_id=ann.id).kind == "denied"
    assert pay(ann, bob, 500).status_code == 201


def test_every_payment_keeps_what_was_measured(database: Database) -> None:
    ann, bob = person(database, 5_000), person(database)
    paid = pay(ann, bob, 4_000).json()["id"]
    pay(ann, bob, 100)
    rows = database.as_superuser(
        "select a.decision, a.score, a.signals from compliance_assessment a join payments_payment p on p.transfer = a.reference"
        " where a.user_id = %s order by p.id", [ann.id],
    )  # fmt: skip
    assert [row[0] for row in rows] == ["passed", "passed"]
    lines = {line[0]: line[2] for line in rows[0][2]}
    assert rows[0][1] == sum(lines.values()) and {"never_paid", "payer_new", "payee_new", "most_of_balance"} <= set(lines)
    assert "never_paid" not in str(rows[1][2]) and paid
    with pytest.raises(Exception, match="refused"):
        database.as_superuser("update compliance_assessment set score = 0")


def test_a_shadow_version_is_computed_and_decides_nothing(database: Database) -> None:
    ann, bob = person(database, 5_000), person(database)
    database.as_superuser(
        "insert into compliance_scoreversion (name, weights, hold_at, deny_at, reason) values"
        " ('harsh', '{\"never_paid\": 1000}', 1, 2, 'A test'), ('broken', '{\"never_paid\": \"x\"}', 1, 2, 'A test')"
    )
    try:
        assert pay(ann, bob, 100).json()["status"] == "completed"
        [(shadow,)] = database.as_superuser("select shadow from compliance_assessment where user_id = %s", [ann.id])
        assert shadow == {"harsh": 1000}
    finally:
        database.as_superuser("update compliance_scoreversion set state = 'retired' where state = 'shadow'")


def test_where_it_is_asked_from_reaches_the_score(database: Database, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.NEW_DEVICE_HOURS = 24
    monkeypatch.setattr("compliance.origin.client_address", lambda request: "102.89.23.1")  # Lagos, says the file
    ann, bob = person(database, 5_000), person(database)
    pay(ann, bob, 100)
    page = {"to": bob.username, "amount": "1.00", "note": "", "visibility": "public", "key": "a-page"}
    assert browser(ann).post("/pay", page).status_code == 302
    rows = database.as_superuser("select signals from compliance_assessment where user_id = %s", [ann.id])
    assert len(rows) == 2
    for (signals,) in rows:
        assert {"new_device", "foreign_address"} <= {line[0] for line in signals}
