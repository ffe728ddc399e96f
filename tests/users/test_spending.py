"""What text messages may cost over everybody, a stop when nobody types the codes in, and what is put away daily."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from tests.conftest import Database
from tests.helpers import at_once
from tests.users.conftest import Api, new_phone
from users import tasks, tokens


@pytest.fixture(autouse=True)
def _no_history(database: Database, settings) -> Iterator[None]:
    """Sends of other tests are a day ago."""
    database.as_superuser("delete from users_challenge")
    settings.OTP_PER_ADDRESS_HOUR = settings.OTP_PER_BLOCK_DAY = 100_000
    yield
    database.as_superuser("delete from users_challenge")


def ask(api: Api) -> tuple[int, str]:
    answer = api.post("/auth/otp", {"phone": new_phone()})
    return answer.status, answer.body.get("code", "")


def test_a_day_has_a_budget_over_everybody(api, settings, database: Database, caplog):
    settings.OTP_PER_DAY = 5
    answers = [ask(api) for _ in range(7)]
    assert answers == [(202, "")] * 5 + [(503, "service_unavailable")] * 2
    assert [record.levelno for record in caplog.records if record.getMessage() == "sms_stopped"] == [logging.ERROR] * 2
    database.as_superuser("update users_challenge set created_at = created_at - interval '25 hours'")
    assert ask(api) == (202, "")


def test_the_days_budget_holds_when_everybody_asks_at_once(api, settings, database: Database):
    """Pumping: hundreds of numbers at a time, and not one message more than the budget."""
    settings.OTP_PER_DAY = 20
    phones = [new_phone() for _ in range(100)]
    answers = at_once(25, lambda worker: [api.post("/auth/otp", {"phone": phone}).status for phone in phones[worker::25]])
    flat = [status for each in answers for status in each]
    assert sorted(flat) == [202] * 20 + [503] * 80
    assert database.as_superuser("select sum(sends) from users_challenge") == [(20,)]


def test_a_resend_counts_too(api, settings, database: Database):
    settings.OTP_PER_DAY = 2
    client = Client()
    client.post("/login", {"phone": new_phone()})
    database.as_superuser("update users_challenge set sms_state = 'sent'")
    assert client.post("/login/resend").status_code == 302
    assert database.as_superuser("select count(*), sum(sends) from users_challenge") == [(1, 2)]
    assert ask(api)[0] == 503
    settings.OTP_PER_DAY = 3
    assert ask(api)[0] == 202


def sent(database: Database, count: int, used: int, *, minutes: int = 10) -> None:
    """That many codes were sent so many minutes ago, and some of them were used."""
    database.as_superuser(
        "insert into users_challenge (public_id, phone_index, phone_cipher, code_hash, block_index, address_index, expires_at,"
        " sms_state, created_at, used_at) select 'ch_' || %s || n, decode(md5(%s || n::text), 'hex'), '', '', '', '', now(),"
        " 'sent', now() - make_interval(mins => %s), case when n <= %s then now() end from generate_series(1, %s) n",
        [str(minutes), str(minutes), minutes, used, count],
    )


@pytest.mark.parametrize(("used", "status"), [(19, 503), (20, 202), (60, 202)])
def test_codes_that_nobody_types_in_stop_it(api, settings, database: Database, used, status, caplog):
    settings.OTP_UNUSED_MIN_SENT = 100
    sent(database, 100, used)
    assert ask(api)[0] == status
    assert any(record.getMessage() == "sms_stopped" and record.levelno == logging.ERROR for record in caplog.records) is (
        status == 503
    )


def test_few_codes_say_nothing_yet(api, settings, database: Database):
    settings.OTP_UNUSED_MIN_SENT = 100
    sent(database, 99, 0)
    assert ask(api)[0] == 202


def test_whoever_may_still_be_typing_does_not_count(api, settings, database: Database):
    settings.OTP_UNUSED_MIN_SENT = 100
    sent(database, 200, 0, minutes=0)
    assert ask(api)[0] == 202


def test_it_goes_on_by_itself_when_the_hour_is_over(api, settings, database: Database):
    settings.OTP_UNUSED_MIN_SENT = 100
    sent(database, 100, 0, minutes=50)
    refused = api.post("/auth/otp", {"phone": new_phone()})
    assert refused.status == 503
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    database.as_superuser("update users_challenge set created_at = created_at - interval '11 minutes'")
    assert ask(api)[0] == 202


def test_a_known_phone_is_stopped_like_an_unknown_one(api, settings, log_in, database: Database):
    known = log_in().phone
    settings.OTP_UNUSED_MIN_SENT = 100
    sent(database, 500, 0)
    bodies = [api.post("/auth/otp", {"phone": phone}).body | {"request_id": ""} for phone in (known, new_phone())]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "service_unavailable"


def test_the_page_says_it_in_words(settings):
    settings.OTP_PER_DAY = 0
    page = Client().post("/login", {"phone": new_phone()})
    assert "We cannot send codes right now" in page.content.decode()


# ----------------------------------------------------------------------------------------------------- pruning
def prune(database: Database) -> None:
    with database.role("worker"):
        tasks.prune()


def test_expired_sessions_and_tokens_are_put_away(api, log_in, database: Database):
    old, new = log_in(), log_in()
    for _ in range(3):
        child = api.post("/auth/refresh", {"refresh": old.refresh}).body["refresh"]
        old.refresh = child
    api.post("/auth/refresh", {"refresh": new.refresh})
    device = tokens.read_access_token(old.access).device_public_id
    tokens_of = "select count(*) from users_refreshtoken where device_id = (select id from users_device where public_id = %s)"
    assert database.as_superuser(tokens_of, [device]) == [(4,)]
    database.as_superuser(
        "update users_refreshtoken set expires_at = now() - interval '8 days'"
        " where device_id = (select id from users_device where public_id = %s)",
        [device],
    )
    client = Client()
    client.get("/login?next=/pay")
    assert Session.objects.count() >= 1
    database.as_superuser("update django_session set expire_date = now() - interval '1 minute'")

    prune(database)
    assert database.as_superuser(tokens_of, [device]) == [(0,)]
    assert Session.objects.count() == 0
    assert api.get("/me", new.access).status == 200
    assert api.post("/auth/refresh", {"refresh": old.refresh}).status == 401
    prune(database)


def test_a_device_that_cannot_come_back_is_no_longer_listed(api, log_in, database: Database):
    here = log_in()
    there = log_in(here.phone)
    gone = tokens.read_access_token(there.access).device_public_id
    database.as_superuser("update users_device set last_seen_at = now() - interval '9 days' where public_id = %s", [gone])
    prune(database)
    assert [device["current"] for device in api.get("/devices", here.access).body["data"]] == [True]


def test_beat_knows_the_task(settings):
    from paya.celery import app

    scheduled = settings.CELERY_BEAT_SCHEDULE["users-prune"]
    app.loader.import_default_modules()
    assert scheduled["task"] in app.tasks
    assert scheduled["schedule"] == 24 * 3600
