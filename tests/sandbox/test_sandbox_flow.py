"""A person's money through the sandbox: link a bank, load, redeem, and the failures in between."""

import dwollav2
import pytest
import requests


def master_balance(sandbox) -> int:
    return sandbox.get("/sandbox/bank").json()["master_balance"]


def test_a_load_settles_on_the_third_business_day(sandbox, person, receiver):
    before = master_balance(sandbox)
    load = person.load("25.00")
    assert person.status(load) == "pending"
    assert sandbox.advance(2)["settled"] == []
    report = sandbox.advance(1)
    assert report["settled"] == [load.rsplit("/", 1)[1]]
    assert report["webhooks"] == {"delivered": 2, "pending": 0}
    assert person.status(load) == "processed"
    assert master_balance(sandbox) == before + 2500
    assert person.bank_balance() == 4975.0
    topics = [each.headers["X-Dwolla-Topic"] for each in receiver.seen]
    assert sorted(topics) == sorted([
        "transfer_created", "customer_transfer_created", "transfer_completed", "customer_transfer_completed"])


def test_a_redemption_leaves_at_once_and_arrives_the_next_day(sandbox, person):
    load = person.load("50.00")
    sandbox.advance(3)
    before = master_balance(sandbox)
    redemption = person.redeem("20.00")
    assert master_balance(sandbox) == before - 2000
    assert person.status(redemption) == "pending"
    sandbox.advance(1)
    assert person.status(redemption) == "processed"
    assert person.bank_balance() == 4970.0
    assert person.status(load) == "processed"


def test_more_than_the_master_account_has_cannot_leave(person):
    with pytest.raises(dwollav2.ValidationError) as caught:
        person.redeem("900000.00")
    error = caught.value.body["_embedded"]["errors"][0]
    assert (error["code"], error["path"]) == ("InsufficientFunds", "/_links/source/href")


def test_more_than_the_bank_has_comes_back_as_r01(sandbox, person):
    before = master_balance(sandbox)
    load = person.load("5000.01")
    report = sandbox.advance(3)
    assert report["failed"] == [load.rsplit("/", 1)[1]]
    assert person.dwolla.get(f"{load}/failure").body["code"] == "R01"
    assert master_balance(sandbox) == before
    assert person.bank_balance() == 5000.0


@pytest.mark.parametrize("name", ["R01", "R03"])
def test_a_funding_source_named_after_a_return_fails_before_settlement(sandbox, make_person, name):
    person = make_person(name=name)
    before = master_balance(sandbox)
    load = person.load()
    sandbox.advance(3)
    assert person.status(load) == "failed"
    assert person.dwolla.get(load).body["_links"]["failure"]["href"].endswith("/failure")
    assert person.dwolla.get(f"{load}/failure").body["code"] == name
    assert master_balance(sandbox) == before
    assert person.dwolla.get(person.bank).body["removed"] is (name == "R03")


def test_a_late_return_takes_settled_money_back(sandbox, make_person, receiver):
    person = make_person(name="R01-late")
    before = master_balance(sandbox)
    load = person.load("40.00")
    sandbox.advance(3)
    assert person.status(load) == "processed"
    assert master_balance(sandbox) == before + 4000
    sandbox.advance(2)
    assert person.status(load) == "failed"
    assert master_balance(sandbox) == before
    assert person.bank_balance() == 5000.0
    assert "customer_transfer_failed" in [each.headers["X-Dwolla-Topic"] for each in receiver.seen]


def test_a_returned_redemption_gives_the_money_back_to_the_master_account(sandbox, make_person, person):
    person.load("50.00")
    sandbox.advance(3)
    before = master_balance(sandbox)
    unlucky = make_person(name="R03")
    redemption = unlucky.redeem("5.00")
    assert master_balance(sandbox) == before - 500
    sandbox.advance(1)
    assert unlucky.status(redemption) == "failed"
    assert master_balance(sandbox) == before


def test_an_account_of_the_bank_can_ask_for_its_failure_too(sandbox, make_person):
    custom = ('{"override_accounts": [{"type": "depository", "subtype": "checking", "starting_balance": 12.5, '
              '"meta": {"name": "R08"}}]}')
    person = make_person(options={"override_username": "user_custom", "override_password": custom})
    assert person.account["balances"]["current"] == 12.5
    load = person.load("5.00")
    sandbox.advance(3)
    assert person.dwolla.get(f"{load}/failure").body["code"] == "R08"


def test_a_pending_transfer_can_be_cancelled_once(sandbox, person):
    load = person.load()
    assert person.dwolla.post(load, {"status": "cancelled"}).body["status"] == "cancelled"
    with pytest.raises(dwollav2.ValidationError):
        person.dwolla.post(load, {"status": "cancelled"})
    assert load.rsplit("/", 1)[1] not in sandbox.advance(3)["settled"]


def test_the_operators_can_pay_capital_in(sandbox, person):
    before = master_balance(sandbox)
    transfer = person.transfer(person.operating, person.master, "1000.00")
    sandbox.advance(3)
    assert person.status(transfer) == "processed"
    assert master_balance(sandbox) == before + 100_000


def test_simulation_processes_without_moving_the_calendar(sandbox, person):
    day = sandbox.get("/sandbox/bank").json()["date"]
    load = person.load()
    assert person.dwolla.post("sandbox-simulations").body["total"] >= 1
    assert person.status(load) == "processed"
    assert sandbox.get("/sandbox/bank").json()["date"] == day


def test_the_same_idempotency_key_makes_one_transfer(sandbox, person):
    first = person.load("7.00", **{"Idempotency-Key": "k-same", "correlation": "load-77"})
    assert person.load("7.00", **{"Idempotency-Key": "k-same", "correlation": "load-77"}) == first
    with pytest.raises(dwollav2.ConflictError):
        person.load("8.00", **{"Idempotency-Key": "k-same", "correlation": "load-77"})
    found = person.dwolla.get(f"{person.customer}/transfers", correlationId="load-77").body
    assert [each["id"] for each in found["_embedded"]["transfers"]] == [first.rsplit("/", 1)[1]]
    listed = person.dwolla.get(f"{person.account_url}/transfers", correlationId="load-77", limit=5).body
    assert listed["total"] == 1


def test_a_dropped_answer_leaves_the_transfer_to_be_found(sandbox, person):
    sandbox.post("/sandbox/dwolla/fail", {"mode": "drop_after", "path": "/transfers"})
    with pytest.raises(requests.ConnectionError):
        person.load("9.00", **{"Idempotency-Key": "k-drop", "correlation": "load-drop"})
    found = person.dwolla.get(f"{person.customer}/transfers", correlationId="load-drop").body
    assert found["total"] == 1
    again = person.load("9.00", **{"Idempotency-Key": "k-drop", "correlation": "load-drop"})
    assert again.endswith(found["_embedded"]["transfers"][0]["id"])


@pytest.mark.parametrize(("mode", "error"), [("500", dwollav2.ServerError), ("429", dwollav2.TooManyRequestsError)])
def test_a_failure_on_demand_changes_nothing(sandbox, person, mode, error):
    sandbox.post("/sandbox/dwolla/fail", {"mode": mode, "path": "/transfers", "times": 1})
    with pytest.raises(error):
        person.load("9.00", correlation=f"load-{mode}")
    assert person.dwolla.get(f"{person.customer}/transfers", correlationId=f"load-{mode}").body["total"] == 0
    assert person.load("9.00")


def test_a_timeout_does_nothing(sandbox, person):
    sandbox.post("/sandbox/dwolla/fail", {"mode": "timeout", "path": "/transfers", "seconds": 0.1})
    with pytest.raises(requests.ConnectionError):
        person.load("9.00", correlation="load-timeout")
    assert person.dwolla.get(f"{person.customer}/transfers", correlationId="load-timeout").body["total"] == 0
