"""Bad input is answered in each vendor's own words, and never with a 500."""

import os
import subprocess
import sys
from pathlib import Path

import dwollav2
import pytest

HAL = "application/vnd.dwolla.v1.hal+json"
JUNK = [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b'{"a": NaN}', b'{"name": "\\ud800"}', b'{"a":' * 3000,
        b'{"public_token": {}, "access_token": [], "email": 7, "_links": [], "amount": "x", "webhook_code": null}',
        b'{"public_token": "\\u0000", "access_token": "\\u0000", "firstName": "\\u0000", "link_token": "\\u0000"}']
PLAID = ["link/token/create", "link/token/get", "item/public_token/exchange", "accounts/get", "auth/get",
         "identity/get", "accounts/balance/get", "processor/token/create", "item/remove", "item/get",
         "institutions/get_by_id", "webhook_verification_key/get", "sandbox/public_token/create",
         "sandbox/processor_token/create", "sandbox/item/fire_webhook", "sandbox/item/reset_login", "no/such/thing"]
CONTROLS = ["bank/advance", "bank/date", "twilio/fail", "dwolla/fail", "plaid/fail", "webhooks", "webhooks/replay",
            "nothing"]


def test_plaid_answers_junk_in_its_own_shape(sandbox):
    headers = {"PLAID-CLIENT-ID": "sandbox", "PLAID-SECRET": "sandbox", "Content-Type": "application/json"}
    for path in PLAID:
        for junk in JUNK:
            answer = sandbox.post(f"/plaid/{path}", data=junk, headers=headers)
            assert 400 <= answer.status_code < 500, (path, junk)
            assert {"error_type", "error_code", "error_message", "request_id"} <= set(answer.json()), (path, junk)
        assert sandbox.get(f"/plaid/{path}").status_code == 404, path


def test_dwolla_answers_junk_in_its_own_shape(sandbox, person):
    token = person.dwolla.access_token
    headers = {"Authorization": f"Bearer {token}", "Accept": HAL, "Content-Type": HAL}
    paths = ["customers", "transfers", "webhook-subscriptions"]
    paths += [f"{person.customer.split('/dwolla/')[1]}/{each}" for each in ("exchanges", "funding-sources")]
    for path in paths:
        for junk in JUNK:
            answer = sandbox.post(f"/dwolla/{path}", data=junk, headers=headers)
            assert 400 <= answer.status_code < 500, (path, junk)
            assert {"code", "message"} <= set(answer.json()), (path, junk)
    for path in ("customers/none", "transfers/none/failure", "funding-sources/x", "nothing/here", "events/1",
                 "accounts/x", "customers?limit=x", "customers?limit=0", "customers?offset=-1",
                 "customers?search=%00", "webhooks/1", "exchanges/1"):
        answer = sandbox.get(f"/dwolla/{path}", headers=headers)
        assert answer.status_code in (200, 400, 404), path
        assert answer.headers["Content-Type"] == HAL, path


def test_dwolla_wants_its_version_and_a_token(sandbox, person):
    bearer = {"Authorization": f"Bearer {person.dwolla.access_token}"}
    assert sandbox.get("/dwolla/", headers={**bearer, "Accept": HAL}).status_code == 200
    wrong = sandbox.get("/dwolla/", headers={**bearer, "Accept": "application/json"})
    assert (wrong.status_code, wrong.json()["code"]) == (406, "InvalidVersion")
    wrong = sandbox.post("/dwolla/customers", data="x=1", headers={**bearer, "Accept": HAL, "Content-Type": "text/xml"})
    assert wrong.status_code == 406
    nobody = sandbox.get("/dwolla/", headers={"Authorization": "Bearer nobody", "Accept": HAL})
    assert (nobody.status_code, nobody.json()["code"]) == (401, "InvalidAccessToken")
    assert sandbox.get("/dwolla/", headers={"Accept": HAL}).status_code == 401
    form = {"grant_type": "client_credentials"}
    assert sandbox.post("/dwolla/token", data=form, auth=("dwolla-key", "dwolla-secret")).json()["expires_in"] == 3600
    assert sandbox.post("/dwolla/token", data=form, auth=("dwolla-key", "wrong")).status_code == 401
    assert sandbox.post("/dwolla/token", data={}, auth=("dwolla-key", "dwolla-secret")).status_code == 400


def test_a_transfer_wants_a_real_amount(person):
    bad = [("0", "USD"), ("-1.00", "USD"), ("1.001", "USD"), ("1e3", "USD"), ("ten", "USD"), (5, "USD"), (None, "USD"),
           ("5.00", "EUR"), ("\u0661.00", "USD"), ("999999999999", "USD")]
    for value, currency in bad:
        body = {"_links": {"source": {"href": person.bank}, "destination": {"href": person.master}},
                "amount": {"value": value, "currency": currency}}
        with pytest.raises(dwollav2.ValidationError) as caught:
            person.dwolla.post("transfers", body)
        assert caught.value.body["_embedded"]["errors"][0]["path"].startswith("/amount"), (value, currency)


def test_a_bank_is_added_once_and_only_from_a_good_token(sandbox, person):
    with pytest.raises(dwollav2.Error) as caught:
        person.dwolla.post(f"{person.customer}/funding-sources", {"plaidToken": "processor-none", "name": "x"})
    assert caught.value.body["code"] == "InvalidExchangeToken"
    account = sandbox.plaid().auth_get({"access_token": person.access_token}).numbers.ach[0]
    numbers = {"routingNumber": account.routing, "accountNumber": account.account, "bankAccountType": "checking"}
    with pytest.raises(dwollav2.Error) as caught:
        person.dwolla.post(f"{person.customer}/funding-sources", {**numbers, "name": "again"})
    assert caught.value.body["code"] == "DuplicateResource"
    assert caught.value.body["_links"]["about"]["href"] == person.bank
    person.dwolla.post(person.bank, {"removed": True})
    with pytest.raises(dwollav2.ValidationError):
        person.load()


def test_a_numbered_bank_is_credited_but_debited_only_once_verified(sandbox, person):
    made = person.dwolla.post(f"{person.customer}/funding-sources", {
        "routingNumber": "222222226", "accountNumber": "123456789", "bankAccountType": "savings", "name": "By hand"})
    source = made.headers["location"]
    assert person.dwolla.get(source).body["status"] == "unverified"
    with pytest.raises(dwollav2.ValidationError):
        person.transfer(source, person.master, "1.00")
    person.dwolla.post(f"{source}/micro-deposits")
    wrong, right = ({"amount1": {"value": cents, "currency": "USD"}, "amount2": {"value": cents, "currency": "USD"}}
                    for cents in ("0.09", "0.04"))
    with pytest.raises(dwollav2.ValidationError):
        person.dwolla.post(f"{source}/micro-deposits", wrong)
    person.dwolla.post(f"{source}/micro-deposits", right)
    assert person.transfer(source, person.master, "1.00")


def test_a_second_customer_with_the_same_email_is_shown_the_first(person):
    email = person.dwolla.get(person.customer).body["email"]
    with pytest.raises(dwollav2.ValidationError) as caught:
        person.dwolla.post("customers", {"firstName": "A", "lastName": "B", "email": email})
    error = caught.value.body["_embedded"]["errors"][0]
    assert (error["code"], error["_links"]["about"]["href"]) == ("Duplicate", person.customer)
    assert person.dwolla.get("customers", email=email).body["total"] == 1


def test_controls_answer_junk_in_words(sandbox):
    bad = [b"{", b"[]", b'{"business_days": "1"}', b'{"business_days": -1}', b'{"business_days": true}',
           b'{"business_days": 1e9}', b'{"date": 7}', b'{"date": "2026-13-01"}', b'{"date": "0001-01-01"}',
           b'{"mode": "nonsense", "last": "x"}', b'{"mode": [], "times": -1, "last": -1}',
           b'{"mode": "500", "path": 7, "last": 1.5}', b'{"mode": "500", "seconds": "x", "last": null}']
    for path in CONTROLS:
        for junk in bad:
            if path == "bank/advance" and b"business_days" not in junk and junk[:1] == b"{" and len(junk) > 1:
                continue  # a call without the field means one day
            answer = sandbox.post(f"/sandbox/{path}", data=junk)
            assert answer.status_code in (400, 404), (path, junk, answer.text)
            assert answer.json()["error"]
        assert sandbox.get(f"/sandbox/{path}").status_code in (404, 405)


@pytest.mark.parametrize("path", ["/phone?number=%00", "/phone?number=abc", "/plaid/link/hosted/%00", "/nowhere",
                                  "/%00", "/dwolla%ff", "/sandbox/sms", "/sandbox/sms?phone=%00%ff"])
def test_odd_addresses_are_no_server_errors(sandbox, path):
    assert sandbox.get(path).status_code < 500


@pytest.mark.parametrize("change", [{"PAYA_SANDBOX": "0"}, {"PAYA_SANDBOX": "1", "PAYA_ENV": "production"}])
def test_it_refuses_to_start_where_it_does_not_belong(tmp_path, change):
    environment = {**os.environ, "PAYA_SANDBOX_DATA": str(tmp_path), **change}
    root = Path(__file__).resolve().parents[2]
    checked = subprocess.run([sys.executable, "-m", "sandbox", "check"], cwd=root, env=environment,
                             capture_output=True, text=True, timeout=30)
    assert checked.returncode != 0
    assert "ImproperlyConfigured" in checked.stderr
