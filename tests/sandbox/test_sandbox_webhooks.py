"""Webhooks: signed, retried, in the modes that tests ask for, and not lost by a kill."""

import hashlib
import hmac
import json
import time

from tests.sandbox.harness import Person
from tests.stack import wait_until


def dwolla_topics(receiver) -> list[str]:
    return [each.headers["X-Dwolla-Topic"] for each in receiver.seen]


def test_an_event_is_signed_and_can_be_fetched(sandbox, person, receiver):
    load = person.load(correlation="ld_42")
    hook = next(each for each in receiver.wait_for(2) if each.headers["X-Dwolla-Topic"] == "customer_transfer_created")
    assert hook.path == "/webhooks/dwolla"
    digest = hmac.new(b"hook-secret", hook.body, hashlib.sha256).hexdigest()
    assert hook.headers["X-Request-Signature-SHA-256"] == digest
    event = json.loads(hook.body)
    assert event["_links"]["resource"]["href"] == load
    assert event["_links"]["customer"]["href"] == person.customer
    assert event["resourceId"] == load.rsplit("/", 1)[1]
    assert event["correlationId"] == "ld_42"
    assert person.dwolla.get(event["_links"]["self"]["href"]).body == event


def test_paused_webhooks_wait_and_may_be_discarded(sandbox, person, receiver):
    sandbox.post("/sandbox/webhooks", {"mode": "paused"})
    person.load()
    report = sandbox.advance(3)
    assert report["webhooks"] == {"delivered": 0, "pending": 2}
    assert receiver.seen == []
    answer = sandbox.post("/sandbox/webhooks", {"mode": "discard"}).json()
    assert (answer["discarded"], answer["mode"]) == (4, "on")
    person.load()
    receiver.wait_for(2)
    assert set(dwolla_topics(receiver)) == {"transfer_created", "customer_transfer_created"}


def test_reverse_sends_the_newest_first(sandbox, person, receiver):
    sandbox.post("/sandbox/webhooks", {"mode": "paused"})
    person.load()
    sandbox.advance(3)
    sandbox.post("/sandbox/webhooks", {"mode": "reverse"})
    receiver.wait_for(4)
    kinds = [topic.rsplit("_", 1)[1] for topic in dwolla_topics(receiver)]
    assert kinds == ["completed", "completed", "created", "created"]


def test_duplicate_sends_everything_twice(sandbox, person, receiver):
    sandbox.post("/sandbox/webhooks", {"mode": "duplicate"})
    person.load()
    bodies = [each.body for each in receiver.wait_for(4)]
    assert len(bodies) == 4
    assert len(set(bodies)) == 2


def test_replay_sends_the_last_again(sandbox, person, receiver):
    person.load()
    first = {each.body for each in receiver.wait_for(2)}
    receiver.reset()
    assert sandbox.post("/sandbox/webhooks/replay", {"last": 2}).json() == {"replayed": 2}
    assert {each.body for each in receiver.wait_for(2)} == first


def test_a_refused_webhook_comes_again(sandbox, person, receiver):
    receiver.status = 503
    person.load()
    receiver.wait_for(2)
    receiver.status = 200
    assert len(receiver.wait_for(4)) == 4
    hooks = person.dwolla.get("webhook-subscriptions").body["_embedded"]["webhook-subscriptions"][0]
    listed = person.dwolla.get(f"{hooks['_links']['self']['href']}/webhooks", limit=2).body["_embedded"]["webhooks"]
    deadline = time.monotonic() + 3
    while len(listed[0]["attempts"]) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        listed[0] = person.dwolla.get(listed[0]["_links"]["self"]["href"]).body
    assert [each["response"]["statusCode"] for each in listed[0]["attempts"]] == [503, 200]


def test_a_paused_subscription_misses_events_until_they_are_retried(sandbox, person, receiver):
    made = person.dwolla.post("webhook-subscriptions", {"url": receiver.url + "/second", "secret": "two"})
    second = made.headers["location"]
    person.dwolla.post(second, {"paused": True})
    person.load()
    receiver.wait_for(2)
    person.dwolla.post(second, {"paused": False})
    time.sleep(0.1)
    assert {each.path for each in receiver.seen} == {"/webhooks/dwolla"}
    missed = person.dwolla.get(f"{second}/webhooks").body["_embedded"]["webhooks"]
    assert [each["attempts"] for each in missed] == [[], []]
    person.dwolla.post(f"{missed[0]['_links']['self']['href']}/retries")
    seen = receiver.wait_for(3)
    assert seen[-1].path == "/second"
    digest = hmac.new(b"two", seen[-1].body, hashlib.sha256).hexdigest()
    assert seen[-1].headers["X-Request-Signature-SHA-256"] == digest
    person.dwolla.delete(second)
    assert person.dwolla.get("webhook-subscriptions").body["total"] == 1


def test_a_kill_loses_nothing_that_was_acknowledged(own_sandbox):
    sandbox, receiver = own_sandbox
    person = Person(sandbox)
    receiver.status = 503
    load = person.load("31.00", correlation="before-kill")
    sandbox.twilio().messages.create(to="+12125550155", from_="+15005550006", body="kept 454545")
    day = sandbox.get("/sandbox/bank").json()["date"]
    sandbox.kill()
    receiver.reset()
    sandbox.start()
    both = {"transfer_created", "customer_transfer_created"}
    wait_until(lambda: both <= {each.headers["X-Dwolla-Topic"] for each in list(receiver.seen)}, "both events, again", 20)
    state = sandbox.get("/sandbox/bank").json()
    assert state["date"] == day
    assert state["transfers"]["pending"] == 1
    assert sandbox.get("/sandbox/sms?phone=+12125550155").json()["messages"][0]["body"] == "kept 454545"
    assert person.status(load) == "pending"  # the token of before is still good
    assert sandbox.advance(3)["settled"] == [load.rsplit("/", 1)[1]]
    assert sandbox.get("/sandbox/bank").json()["master_balance"] == 3100
