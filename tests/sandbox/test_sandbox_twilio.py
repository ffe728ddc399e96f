"""Twilio's stand-in through Twilio's own SDK, and the phone that shows what it sent."""

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

FROM = "+15005550006"


def send(sandbox, to: str, body: str = "Your code is 123456.", **more):
    return sandbox.twilio().messages.create(to=to, from_=FROM, body=body, **more)


def texts(sandbox, phone: str) -> list[str]:
    return [each["body"] for each in sandbox.get("/sandbox/sms", params={"phone": phone}).json()["messages"]]


def test_a_message_lands_on_the_phone(sandbox):
    first = send(sandbox, "+12125550101", "one 111111")
    send(sandbox, "+12125550101", "two 222222")
    assert first.sid.startswith("SM")
    assert first.status == "queued"
    assert first.error_code is None
    assert texts(sandbox, "+12125550101") == ["one 111111", "two 222222"]
    assert sandbox.twilio().messages(first.sid).fetch().status == "delivered"
    assert "222222" in [each.body[-6:] for each in sandbox.twilio().messages.list(limit=5)]


@pytest.mark.parametrize("query", ["?phone=+12125550102", "?phone=%2B12125550102", "?phone=12125550102",
                                   "?phone=+1%20212-555-0102"])
def test_a_plus_in_the_query_may_be_a_space(sandbox, query):
    if not texts(sandbox, "+12125550102"):
        send(sandbox, "+12125550102")
    answer = sandbox.get("/sandbox/sms" + query).json()
    assert [each["to"] for each in answer["messages"]] == ["+12125550102"]
    assert set(answer["messages"][0]) == {"to", "body", "sent_at"}


@pytest.mark.parametrize(("to", "code"), [
    ("12", 21211), ("+15005550001", 21211), ("+15005550004", 21610), ("hello", 21211), ("+1212555010x", 21211)])
def test_a_bad_number_is_refused(sandbox, to, code):
    with pytest.raises(TwilioRestException) as caught:
        send(sandbox, to)
    assert (caught.value.status, caught.value.code) == (400, code)


def test_a_wrong_token_is_refused(sandbox):
    with pytest.raises(TwilioRestException) as caught:
        sandbox.twilio(token="wrong").messages.create(to="+12125550103", from_=FROM, body="x")
    assert (caught.value.status, caught.value.code) == (401, 20003)


def test_a_failure_sends_nothing(sandbox):
    sandbox.post("/sandbox/twilio/fail", {"mode": "500", "times": 1})
    with pytest.raises(TwilioRestException) as caught:
        send(sandbox, "+12125550104")
    assert caught.value.status == 500
    assert texts(sandbox, "+12125550104") == []
    send(sandbox, "+12125550104")
    assert len(texts(sandbox, "+12125550104")) == 1


@pytest.mark.parametrize(("mode", "phone", "sent"), [("timeout", "+12125550105", 0), ("drop_after", "+12125550106", 1)])
def test_no_answer_may_mean_sent_or_not(sandbox, mode, phone, sent):
    sandbox.post("/sandbox/twilio/fail", {"mode": mode, "seconds": 0.1})
    with pytest.raises(requests.ConnectionError):
        send(sandbox, phone)
    assert len(texts(sandbox, phone)) == sent


def test_a_slow_answer_meets_the_callers_patience(sandbox):
    sandbox.post("/sandbox/twilio/fail", {"mode": "timeout", "seconds": 0.6})
    with pytest.raises(requests.Timeout):
        sandbox.twilio(timeout=0.1).messages.create(to="+12125550107", from_=FROM, body="x")


def test_a_status_callback_is_signed(sandbox, receiver):
    url = receiver.url + "/webhooks/twilio"
    sent = send(sandbox, "+12125550108", status_callback=url)
    hook = receiver.wait_for(1)[0]
    fields = dict(parse_qsl(hook.body.decode()))
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    expected = base64.b64encode(hmac.new(b"twilio-token", signed.encode(), hashlib.sha1).digest()).decode()
    assert fields["MessageSid"] == sent.sid
    assert hook.headers["X-Twilio-Signature"] == expected


def test_the_phone_page_shows_the_code(sandbox):
    send(sandbox, "+12125550109", "Your PaYa code is 604218.")
    page = sandbox.get("/phone?number=+12125550109").text
    assert "+1 212 555 0109" in page
    assert 'data-copy="604218"' in page
