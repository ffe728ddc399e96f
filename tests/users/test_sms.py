"""Getting a code to its phone once: the queue, its sweeper, failing over, and Twilio's SDK against a server."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from django.db import connection
from kombu.exceptions import OperationalError

from core import aws, resilience
from core.outbox import Row
from core.relay import HandlerUnavailable
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from tests.conftest import Database
from tests.helpers import at_once
from tests.keys.aws import Aws, running
from users import handlers, services, sms, tasks
from users.sms.sns import Sns
from users.sms.twilio import Twilio


class Provider:
    """A provider of text messages that does what it is told."""

    def __init__(self, name: str, *outcomes: Exception | None) -> None:
        self.name = name
        self.outcomes = list(outcomes)
        self.sent: list[tuple[str, str]] = []
        self.calls = 0

    def send(self, *, to: str, body: str, reference: str) -> None:
        self.calls += 1
        assert not connection.in_atomic_block, "no transaction may be open while a provider is called"
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.sent.append((to, body))


@pytest.fixture(autouse=True)
def _nothing_waits(database: Database) -> Iterator[None]:
    """No test finds the queue or the open breakers of another."""
    database.as_superuser("update users_challenge set sms_state = 'sent' where sms_state = 'queued'")
    resilience.forget_failures()
    yield
    resilience.forget_failures()


def sweep() -> None:
    """What beat's sweep wakes, at once."""
    for challenge_id in services.sweep_codes():
        services.send_code(challenge_id=challenge_id)


@pytest.fixture
def providers(monkeypatch) -> Callable[..., list[Provider]]:
    def use(*given: Provider) -> list[Provider]:
        monkeypatch.setattr(sms, "providers", lambda: list(given))
        return list(given)

    return use


@pytest.fixture
def asked(phone, database: Database) -> tuple[str, int]:
    """A challenge that was just asked for: its public id and its row's."""
    challenge = services.request_code(phone=phone, address="").challenge
    return challenge, database.as_superuser("select id from users_challenge where public_id = %s", [challenge])[0][0]


def row(database: Database, challenge_id: int) -> dict[str, Any]:
    columns = ["sms_state", "attempts", "provider", "sent_at is not null", "due_at > now()", "code_cipher is not null"]
    values = database.as_superuser(f"select {', '.join(columns)} from users_challenge where id = %s", [challenge_id])[0]
    return dict(zip(["state", "attempts", "provider", "sent", "later", "code"], values, strict=True))


def test_asking_leaves_an_event_with_an_id_and_nothing_else(phone, asked, database: Database):
    payload = database.as_superuser("select payload from core_outbox where topic = 'sms.due' order by id desc limit 1")[0][0]
    assert payload == {"challenge": asked[1]}


def test_the_message_holds_the_code_as_its_only_six_digits(phone, asked, code_of, providers, database: Database):
    import re

    (provider,) = providers(Provider("one"))
    code = code_of(asked[0])
    with database.role("worker"):
        tasks.send_sms(asked[1])
    assert provider.sent == [(phone, f"Your PaYa code is {code}. It works for 10 minutes. We never ask for it.")]
    assert re.findall(r"(?<!\d)\d{6}(?!\d)", provider.sent[0][1]) == [code]
    assert row(database, asked[1]) == {
        "state": "sent", "attempts": 1, "provider": "one", "sent": True, "later": False, "code": True
    }  # fmt: skip


def test_a_code_that_closes_an_account_says_so(phone, code_of, providers, database: Database):
    (provider,) = providers(Provider("one"))
    asked = services.request_code(phone=phone, address="", purpose=services.Purpose.CLOSE).challenge
    [(challenge_id,)] = database.as_superuser("select id from users_challenge where public_id = %s", [asked])
    with database.role("worker"):
        tasks.send_sms(challenge_id)
    [(_, said)] = provider.sent
    assert said == f"Your PaYa code to close your account is {code_of(asked)}. It works for 10 minutes. We never ask for it."


def test_ten_workers_send_it_once(asked, providers, database: Database):
    (provider,) = providers(Provider("one"))
    with database.role("worker"):
        at_once(10, lambda _: services.send_code(challenge_id=asked[1]))
        services.send_code(challenge_id=asked[1])
    assert provider.calls == 1


def test_a_provider_that_is_down_hands_over_to_the_next(asked, providers, database: Database):
    first, second = providers(Provider("one", ProviderDown()), Provider("two"))
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
    assert (first.calls, second.calls) == (1, 1)
    assert row(database, asked[1])["provider"] == "two"


def test_a_time_out_sends_no_second_message(asked, providers, database: Database):
    first, second = providers(Provider("one", ProviderUnknown()), Provider("two"))
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
        sweep()
        services.send_code(challenge_id=asked[1])
    assert (first.calls, second.calls) == (1, 0)
    assert row(database, asked[1])["state"] == "unknown"


def test_after_a_time_out_the_person_can_ask_again(asked, providers, database: Database):
    (provider,) = providers(Provider("one", ProviderUnknown()))
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
    services.resend_code(challenge=asked[0], address="")
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
    assert provider.calls == 2
    assert len(provider.sent) == 1


def test_a_refused_number_is_given_up(asked, providers, database: Database):
    first, second = providers(Provider("one", ProviderRejected("21610")), Provider("two"))
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
        sweep()
    assert (first.calls, second.calls) == (1, 0)
    assert row(database, asked[1])["state"] == "failed"


def test_when_all_are_down_it_is_tried_later(asked, providers, database: Database):
    (provider,) = providers(Provider("one", ProviderDown()))
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
        assert row(database, asked[1]) | {"attempts": 1} == {
            "state": "queued", "attempts": 1, "provider": "", "sent": False, "later": True, "code": True
        }  # fmt: skip
        sweep()
        assert provider.calls == 1
        database.as_superuser("update users_challenge set due_at = now() where id = %s", [asked[1]])
        sweep()
    assert len(provider.sent) == 1


def test_the_sweeper_sends_what_the_broker_lost(asked, providers, monkeypatch, database: Database):
    (provider,) = providers(Provider("one"))
    monkeypatch.setattr(tasks.send_sms, "apply_async", lambda args, **options: tasks.send_sms(*args))
    with database.role("worker"):
        tasks.sweep_sms()
    assert len(provider.sent) >= 1
    assert row(database, asked[1])["state"] == "sent"


def test_what_the_process_for_codes_leaves_another_worker_sends_itself(asked, providers, database: Database):
    (provider,) = providers(Provider("one"))
    with database.role("worker"):
        tasks.send_late_sms()
        assert provider.sent == []  # it may be on its way
        database.as_superuser("update users_challenge set due_at = now() - interval '4 seconds' where id = %s", [asked[1]])
        tasks.send_late_sms()
        tasks.send_late_sms()
    assert len(provider.sent) == 1


def test_a_worker_that_died_while_sending_is_not_repeated(asked, providers, database: Database):
    (provider,) = providers(Provider("one"))
    database.as_superuser(
        "update users_challenge set sms_state = 'sending', claimed_at = now() - interval '3 minutes' where id = %s", [asked[1]]
    )
    with database.role("worker"):
        sweep()
        services.send_code(challenge_id=asked[1])
    assert provider.calls == 0
    assert row(database, asked[1])["state"] == "unknown"


def test_an_expired_code_is_wiped_and_not_sent(asked, providers, database: Database):
    (provider,) = providers(Provider("one"))
    database.as_superuser("update users_challenge set expires_at = now() - interval '1 s' where id = %s", [asked[1]])
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
        sweep()
    assert provider.calls == 0
    state = row(database, asked[1])
    assert (state["state"], state["code"]) == ("failed", False)


def test_a_used_code_is_wiped_and_not_sent(api, asked, code_of, providers, database: Database):
    (provider,) = providers(Provider("one"))
    api.post("/auth/token", {"challenge": asked[0], "code": code_of(asked[0])})
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
    assert provider.calls == 0
    assert row(database, asked[1])["code"] is False


def test_what_is_two_days_old_is_gone(asked, providers, database: Database):
    providers(Provider("one"))
    database.as_superuser("update users_challenge set created_at = now() - interval '49 hours' where id = %s", [asked[1]])
    with database.role("worker"):
        sweep()
    assert database.as_superuser("select count(*) from users_challenge where id = %s", [asked[1]]) == [(0,)]


def test_the_relay_wakes_a_worker_with_an_id(monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.send_sms, "apply_async", lambda args, **options: sent.append(args))
    handlers.wake_up([Row(1, "sms.due", {"challenge": 7}, None), Row(2, "sms.due", {"challenge": 8}, None)])
    assert sent == [[7], [8]]


def test_without_a_broker_the_relay_waits(monkeypatch):
    def down(args: list[int], **options: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.send_sms, "apply_async", down)
    with pytest.raises(HandlerUnavailable):
        handlers.wake_up([Row(1, "sms.due", {"challenge": 7}, None)])


# ------------------------------------------------------------------------------------------------------- twilio
class TwilioServer:
    """Answers like Twilio's Messages API, with the status that a test asks for."""

    def __init__(self) -> None:
        self.status, self.hang, self.seen = 201, 0.0, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                outer.seen.append((self.path, {name: values[0] for name, values in form.items()}))
                if outer.hang:
                    outer.released.wait(outer.hang)
                body = b'{"sid": "SM1", "status": "queued"}' if outer.status < 400 else b'{"code": 21610, "message": "no"}'
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def twilio(settings) -> Iterator[TwilioServer]:
    server = TwilioServer()
    settings.TWILIO_BASE_URL = f"http://127.0.0.1:{server.server.server_port}/twilio"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC" + "0" * 32, "token"
    settings.TWILIO_FROM = "+15005550006"
    yield server
    server.released.set()
    server.server.shutdown()
    server.server.server_close()


def send() -> None:
    Twilio().send(to="+14155550142", body="hello", reference="ch_1")


def test_twilio_is_asked_by_its_own_sdk_at_the_address_that_is_set(twilio, settings):
    send()
    path, form = twilio.seen[0]
    assert path == f"/twilio/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages.json"
    assert form == {"To": "+14155550142", "From": "+15005550006", "Body": "hello"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ProviderRejected),
        (429, ProviderDown),
        (500, ProviderDown),
        (503, ProviderDown),
        (502, ProviderUnknown),
        (504, ProviderUnknown),
    ],
)
def test_what_twilios_answers_mean(twilio, status, error):
    twilio.status = status
    with pytest.raises(error):
        send()
    assert len(twilio.seen) == 1


def test_no_answer_in_time_is_unknown(twilio, settings):
    settings.VENDOR_TIMEOUT_SECONDS = 0.3
    twilio.hang = 5
    with pytest.raises(ProviderUnknown):
        send()
    assert len(twilio.seen) == 1


def test_nobody_listening_is_down(twilio, settings):
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9/twilio"
    with pytest.raises(ProviderDown):
        send()


# ---------------------------------------------------------------------------------------------------------- sns
@pytest.fixture(scope="module")
def aws_server() -> Iterator[Aws]:
    with running() as server:
        yield server


@pytest.fixture
def sns(aws_server: Aws, settings, monkeypatch) -> Aws:
    """SNS stands behind Twilio."""
    aws_server.reset()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    settings.SNS, settings.SNS_ENDPOINT = True, aws_server.url
    return aws_server


def refused_port() -> str:
    return "http://127.0.0.1:9/twilio"


def delivered(challenge_id: int, database: Database) -> dict[str, Any]:
    with database.role("worker"):
        services.send_code(challenge_id=challenge_id)
    return row(database, challenge_id)


def test_without_sns_there_is_twilio_alone(settings):
    settings.SNS = False
    assert [provider.name for provider in sms.providers()] == ["twilio"]
    settings.SNS = True
    assert [provider.name for provider in sms.providers()] == ["twilio", "sns"]


@pytest.mark.parametrize("how", ["refused connection", "500", "503", "429", "open breaker"])
def test_sns_sends_the_same_code_while_twilio_is_down(how, sns, twilio, settings, phone, asked, code_of, api, database: Database):
    if how == "refused connection":
        settings.TWILIO_BASE_URL = refused_port()
    elif how == "open breaker":
        resilience.breaker("twilio").open()
    else:
        twilio.status = int(how)
    code = code_of(asked[0])
    assert delivered(asked[1], database) | {"code": True} == {
        "state": "sent", "attempts": 1, "provider": "sns", "sent": True, "later": False, "code": True
    }  # fmt: skip
    assert sns.sent() == [{"to": phone, "body": sms.text(code, "log_in")}]
    sends = database.as_superuser("select sends, tries from users_challenge where id = %s", [asked[1]])
    assert sends == [(1, 0)]  # the one that was asked for: the second provider costs the person nothing
    assert api.post("/auth/token", {"challenge": asked[0], "code": code}).status == 200


@pytest.mark.parametrize("how", ["time-out", "502", "504"])
def test_nothing_goes_to_sns_when_twilio_may_have_sent_it(how, sns, twilio, settings, asked, database: Database):
    if how == "time-out":
        settings.VENDOR_TIMEOUT_SECONDS, twilio.hang = 0.3, 5
    else:
        twilio.status = int(how)
    assert delivered(asked[1], database)["state"] == "unknown"
    assert sns.sent() == []


def test_control_failing_over_on_a_time_out_sends_it_twice(sns, twilio, settings, asked, monkeypatch, database: Database):
    """What the rule is there for: a provider that hands over on any failure."""
    monkeypatch.setattr("users.sms.twilio._broken", lambda error: ProviderDown("any failure"))
    settings.VENDOR_TIMEOUT_SECONDS, twilio.hang = 0.3, 0.5
    delivered(asked[1], database)
    assert len(twilio.seen) == 1 and len(sns.sent()) == 1


def test_sns_sends_transactional_messages(sns, settings, monkeypatch):
    seen: list[dict[str, Any]] = []
    client = aws.client("sns", endpoint=settings.SNS_ENDPOINT, read_seconds=settings.VENDOR_TIMEOUT_SECONDS)
    monkeypatch.setattr(client, "publish", lambda **call: seen.append(call))
    Sns().send(to="+14155550142", body="hello", reference="ch_1")
    assert seen[0]["MessageAttributes"]["AWS.SNS.SMS.SMSType"]["StringValue"] == "Transactional"
    assert seen[0]["PhoneNumber"] == "+14155550142"


def test_a_number_that_opted_out_at_sns_is_given_up(sns, settings, database: Database):
    """moto takes numbers that end in 99 for opted out."""
    settings.TWILIO_BASE_URL = refused_port()
    challenge = services.request_code(phone="+14155551399", address="").challenge
    challenge_id = database.as_superuser("select id from users_challenge where public_id = %s", [challenge])[0][0]
    assert delivered(challenge_id, database)["state"] == "failed"
    assert sns.sent() == []


def test_a_number_that_sns_cannot_take_is_rejected(sns):
    with pytest.raises(ProviderRejected):
        Sns().send(to="not-a-number", body="hello", reference="ch_1")


def test_both_down_is_tried_later(sns, settings, asked, database: Database):
    settings.TWILIO_BASE_URL = refused_port()
    settings.SNS_ENDPOINT = "http://127.0.0.1:9"
    state = delivered(asked[1], database)
    assert (state["state"], state["later"]) == ("queued", True)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "InvalidParameter", ProviderRejected),
        (400, "OptedOut", ProviderRejected),
        (400, "Throttling", ProviderDown),
        (403, "AuthorizationError", ProviderDown),
        (403, "InvalidClientTokenId", ProviderDown),
        (500, "InternalError", ProviderDown),
        (503, "ServiceUnavailable", ProviderDown),
        (502, "BadGateway", ProviderUnknown),
    ],
)
def test_what_snss_answers_mean(sns, settings, monkeypatch, status, code, error):
    client = aws.client("sns", endpoint=settings.SNS_ENDPOINT, read_seconds=settings.VENDOR_TIMEOUT_SECONDS)
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def refuse(**call: Any) -> None:
        raise ClientError(answer, "Publish")

    monkeypatch.setattr(client, "publish", refuse)
    with pytest.raises(error):
        Sns().send(to="+14155550142", body="hello", reference="ch_1")


def test_sns_that_does_not_answer_is_unknown_once_the_message_left(sns, settings, monkeypatch):
    client = aws.client("sns", endpoint=settings.SNS_ENDPOINT, read_seconds=settings.VENDOR_TIMEOUT_SECONDS)

    def hang(**call: Any) -> None:
        raise ReadTimeoutError(endpoint_url="sns")

    monkeypatch.setattr(client, "publish", hang)
    with pytest.raises(ProviderUnknown):
        Sns().send(to="+14155550142", body="hello", reference="ch_1")
    monkeypatch.setattr(client, "check_if_phone_number_is_opted_out", hang)
    with pytest.raises(ProviderDown):
        Sns().send(to="+14155550142", body="hello", reference="ch_1")


def test_phones_and_codes_are_not_logged(twilio, asked, code_of, phone, database: Database, caplog, capfd):
    caplog.set_level("DEBUG")
    code = code_of(asked[0])
    with database.role("worker"):
        services.send_code(challenge_id=asked[1])
    assert twilio.seen
    said = capfd.readouterr()
    for text in (caplog.text, said.out, said.err):
        assert code not in text
        assert phone[1:] not in text
