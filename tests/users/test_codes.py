"""One-time codes: budgets, tries, expiry, and that nobody learns whether a phone is known."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import Database
from tests.helpers import at_once
from tests.users.conftest import Api, new_phone
from users import phones, services
from users.errors import CodeRefused
from users.services import accounts


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def ask(api: Api, phone: str) -> str:
    answer = api.post("/auth/otp", {"phone": phone})
    assert answer.status == 202
    challenge: str = answer.body["challenge"]
    return challenge


def test_a_code_opens_an_account(api, phone, code_of):
    answer = api.post("/auth/otp", {"phone": phone})
    assert answer.status == 202
    assert set(answer.body) == {"challenge", "expires_in", "resend_in"}
    assert answer.body["expires_in"] == 600

    challenge = answer.body["challenge"]
    opened = api.post("/auth/token", {"challenge": challenge, "code": code_of(challenge), "device_name": "My phone"})
    assert opened.status == 200
    assert set(opened.body) == {"access", "refresh", "expires_in", "user"}
    assert opened.body["user"]["username"] is None
    assert opened.body["user"]["id"].startswith("usr_")


def test_the_same_phone_is_the_same_person(log_in, phone):
    assert log_in(phone).user["id"] == log_in(phone).user["id"]


def test_a_code_works_once(api, phone, code_of):
    challenge = ask(api, phone)
    body = {"challenge": challenge, "code": code_of(challenge)}
    assert api.post("/auth/token", body).status == 200
    assert api.post("/auth/token", body).status == 401


def test_a_wrong_code_is_counted_and_the_sixth_try_is_not_looked_at(api, phone, code_of):
    challenge = ask(api, phone)
    code = code_of(challenge)
    for _ in range(5):
        refused = api.post("/auth/token", {"challenge": challenge, "code": wrong(code)})
        assert (refused.status, refused.body["code"]) == (401, "unauthenticated")
        assert "code" in refused.body["errors"]
    assert api.post("/auth/token", {"challenge": challenge, "code": code}).status == 401


def test_four_wrong_tries_leave_the_fifth(api, phone, code_of):
    challenge = ask(api, phone)
    code = code_of(challenge)
    for _ in range(4):
        api.post("/auth/token", {"challenge": challenge, "code": wrong(code)})
    assert api.post("/auth/token", {"challenge": challenge, "code": code}).status == 200


def guess_over_challenges(api, phone, code_of, settings):
    """Twenty wrong guesses over four challenges of one phone; what the right code of a fifth then brings."""
    settings.OTP_PER_PHONE_DAY = 100
    for _ in range(4):
        challenge = ask(api, phone)
        code = code_of(challenge)
        for _ in range(5):
            api.post("/auth/token", {"challenge": challenge, "code": wrong(code)})
    challenge = ask(api, phone)
    return api.post("/auth/token", {"challenge": challenge, "code": code_of(challenge)})


def test_asking_again_does_not_buy_tries_for_ever(api, phone, code_of, settings):
    refused = guess_over_challenges(api, phone, code_of, settings)
    assert (refused.status, refused.body["code"]) == (429, "rate_limited")


def test_without_the_phones_own_count_it_would(api, phone, code_of, settings, monkeypatch):
    """The control: five tries a challenge alone, and as many challenges as one likes."""
    monkeypatch.setattr("users.services.codes.TRIES_PER_PHONE_DAY", 10**6)
    assert guess_over_challenges(api, phone, code_of, settings).status == 200


def test_guesses_at_once_are_all_counted(api, phone, code_of):
    """Fifty wrong guesses at the same moment: five are looked at, the right one after them is not."""
    challenge = ask(api, phone)
    code = code_of(challenge)
    answers = at_once(50, lambda _: api.post("/auth/token", {"challenge": challenge, "code": wrong(code)}).body)
    looked_at = [body for body in answers if "That is not the code" in body["detail"]]
    assert len(looked_at) == 5
    assert api.post("/auth/token", {"challenge": challenge, "code": code}).status == 401


def test_an_old_code_is_gone(api, phone, code_of, database: Database):
    challenge = ask(api, phone)
    code = code_of(challenge)
    database.as_superuser("update users_challenge set expires_at = now() - interval '1 second' where public_id = %s", [challenge])
    assert api.post("/auth/token", {"challenge": challenge, "code": code}).status == 401


def test_a_code_belongs_to_its_challenge(api, code_of):
    mine, other = ask(api, new_phone()), ask(api, new_phone())
    if code_of(mine) != code_of(other):
        assert api.post("/auth/token", {"challenge": mine, "code": code_of(other)}).status == 401


def test_an_unknown_challenge_and_a_used_one_sound_the_same(api, phone, code_of):
    challenge = ask(api, phone)
    body = {"challenge": challenge, "code": code_of(challenge)}
    api.post("/auth/token", body)
    used = api.post("/auth/token", body)
    unknown = api.post("/auth/token", {"challenge": "ch_0000", "code": body["code"]})
    assert used.status == unknown.status == 401
    assert {**used.body, "request_id": ""} == {**unknown.body, "request_id": ""}


def test_known_and_unknown_phones_are_answered_alike(api, log_in):
    known = log_in().phone
    answers = [api.post("/auth/otp", {"phone": number}) for number in (known, new_phone())]
    shapes = [(answer.status, sorted(answer.body), answer.body["expires_in"], answer.body["resend_in"]) for answer in answers]
    assert shapes[0] == shapes[1]
    refusals = [
        api.post("/auth/token", {"challenge": answer.body["challenge"], "code": "00000x"}).body | {"request_id": ""}
        for answer in answers
    ]
    assert refusals[0] == refusals[1]


def test_asking_asks_nothing_about_people(api, phone, log_in):
    """The same statements for both: there is nothing that could take longer for a known phone."""
    known = log_in().phone
    statements = []
    for number in (known, phone):
        with CaptureQueriesContext(connection) as captured:
            ask(api, number)
        statements.append([query["sql"].split("(")[0] for query in captured.captured_queries])
    assert statements[0] == statements[1]
    assert not any("users_user" in sql for sql in statements[0])


# ------------------------------------------------------------------------------------------------------ budgets
def test_a_phone_has_a_budget_a_day(api, phone, database: Database, settings):
    for _ in range(settings.OTP_PER_PHONE_DAY):
        ask(api, phone)
    refused = api.post("/auth/otp", {"phone": phone})
    assert (refused.status, refused.body["code"]) == (429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= 24 * 3600
    assert api.post("/auth/otp", {"phone": new_phone()}).status == 202

    database.as_superuser("update users_challenge set created_at = created_at - interval '25 hours'")
    assert api.post("/auth/otp", {"phone": phone}).status == 202


def test_the_budget_holds_when_everybody_asks_at_once(api, phone, settings, database: Database):
    settings.OTP_PER_PHONE_DAY = 3
    answers = at_once(20, lambda _: api.post("/auth/otp", {"phone": phone}).status)
    assert sorted(answers) == [202] * 3 + [429] * 17


def test_a_block_of_neighbours_has_a_budget(api, settings):
    settings.OTP_PER_BLOCK_DAY = 4
    statuses = [api.post("/auth/otp", {"phone": f"+1212666{number:04d}"}).status for number in range(5000, 5006)]
    assert statuses == [202] * 4 + [429] * 2
    assert api.post("/auth/otp", {"phone": "+12126666000"}).status == 202


def test_an_address_has_a_budget(api, settings):
    settings.OTP_PER_ADDRESS_HOUR = 3
    address = {"X_Forwarded_For": "203.0.113.9"}
    settings.TRUSTED_PROXIES = 1
    statuses = [api.post("/auth/otp", {"phone": new_phone()}, **address).status for _ in range(5)]
    assert statuses == [202] * 3 + [429] * 2
    assert api.post("/auth/otp", {"phone": new_phone()}, X_Forwarded_For="203.0.113.10").status == 202


def test_a_forged_address_buys_nothing(api, settings):
    settings.OTP_PER_ADDRESS_HOUR = 3
    settings.TRUSTED_PROXIES = 1
    statuses = [
        api.post("/auth/otp", {"phone": new_phone()}, X_Forwarded_For=f"198.51.100.{n}, 203.0.113.77").status for n in range(5)
    ]
    assert statuses == [202] * 3 + [429] * 2


def test_the_next_code_has_to_wait(api, phone, settings):
    settings.OTP_RESEND_SECONDS = 30
    assert api.post("/auth/otp", {"phone": phone}).body["resend_in"] == 30
    refused = api.post("/auth/otp", {"phone": phone})
    assert refused.status == 429
    assert 28 <= int(refused.headers["Retry-After"]) <= 30


# ------------------------------------------------------------------------------------------------------- resend
def test_resending_sends_the_same_code_of_the_same_challenge(phone, code_of, database: Database):
    asked = services.request_code(phone=phone, address="203.0.113.5")
    code = code_of(asked.challenge)
    database.as_superuser("update users_challenge set sms_state = 'sent' where public_id = %s", [asked.challenge])
    again = services.resend_code(challenge=asked.challenge, address="203.0.113.5")
    assert again.challenge == asked.challenge
    assert code_of(asked.challenge) == code
    assert database.as_superuser("select sms_state, sends from users_challenge where public_id = %s", [asked.challenge]) == [
        ("queued", 2)
    ]


def test_resending_does_not_reset_the_tries(api, phone, code_of, database: Database):
    asked = services.request_code(phone=phone, address="")
    code = code_of(asked.challenge)
    for _ in range(4):
        api.post("/auth/token", {"challenge": asked.challenge, "code": wrong(code)})
    database.as_superuser("update users_challenge set sms_state = 'sent' where public_id = %s", [asked.challenge])
    services.resend_code(challenge=asked.challenge, address="")
    api.post("/auth/token", {"challenge": asked.challenge, "code": wrong(code)})
    assert api.post("/auth/token", {"challenge": asked.challenge, "code": code}).status == 401


def test_resending_counts_against_the_phone(api, phone, database: Database, settings):
    settings.OTP_PER_PHONE_DAY = 2
    asked = services.request_code(phone=phone, address="")
    database.as_superuser("update users_challenge set sms_state = 'sent' where public_id = %s", [asked.challenge])
    services.resend_code(challenge=asked.challenge, address="")
    assert api.post("/auth/otp", {"phone": phone}).status == 429


def test_pressing_resend_while_one_is_on_its_way_sends_no_second(phone, database: Database):
    asked = services.request_code(phone=phone, address="")
    services.resend_code(challenge=asked.challenge, address="")
    assert database.as_superuser("select sends from users_challenge where public_id = %s", [asked.challenge]) == [(1,)]
    due = database.as_superuser("select count(*) from core_outbox where topic = 'sms.due'")[0][0]
    services.resend_code(challenge=asked.challenge, address="")
    assert database.as_superuser("select count(*) from core_outbox where topic = 'sms.due'")[0][0] == due


def test_resending_a_used_up_code_sends_a_new_one(phone, database: Database):
    asked = services.request_code(phone=phone, address="")
    database.as_superuser("update users_challenge set expires_at = now() where public_id = %s", [asked.challenge])
    again = services.resend_code(challenge=asked.challenge, address="")
    assert again.challenge != asked.challenge
    assert services.codes.pending(challenge=again.challenge).phone == phone


def test_resending_what_never_was_is_refused():
    with pytest.raises(CodeRefused):
        services.resend_code(challenge="ch_nothing", address="")


# ------------------------------------------------------------------------------------------------------- phones
@pytest.mark.parametrize("typed", ["(415) 555-0142", "415 555 0142", "+1 415 555 0142", "1-415-555-0142", "tel:+14155550142"])
def test_a_us_number_is_taken_as_people_write_it(typed):
    assert phones.parse(typed) == "+14155550142"


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("+1 416 555 0142", "CA"),
        ("+1 876 555 0142", "JM"),
        ("+44 20 7946 0958", "GB"),
        ("+49 30 901820", "DE"),
        ("+1 800 555 0142", "mobile"),
        ("+1 900 555 0142", "mobile"),
        ("415 555", "complete"),
        ("hello", "look like"),
        ("4155550142 ext 5", "complete"),
        ("", ""),
    ],
)
def test_other_numbers_are_refused_with_a_reason(api, typed, word):
    refused = api.post("/auth/otp", {"phone": typed})
    assert (refused.status, refused.body["code"]) == (400, "validation_error")
    assert word in refused.body["errors"]["phone"]


def test_the_region_is_a_setting(api, settings):
    settings.PHONE_REGIONS = ["US", "CA"]
    assert api.post("/auth/otp", {"phone": "+14165550142"}).status == 202


# ------------------------------------------------------------------------------------------------------- shapes
@pytest.mark.parametrize(
    "body",
    [None, {}, {"phone": 14155550142}, {"phone": None}, {"phone": ["+14155550142"]}, {"phone": "+1415555\u0000142"}, [], "{"],
)
def test_asking_with_the_wrong_shape(api, body):
    refused = api.post("/auth/otp", body)
    assert (refused.status, refused.body["code"]) == (400, "validation_error")


@pytest.mark.parametrize("code", [123456, "12345", "1234567", "12345a", "１２３４５６", None, True, "12 456", ""])
def test_a_malformed_code_is_refused_and_not_counted(api, phone, code, database: Database):
    challenge = ask(api, phone)
    refused = api.post("/auth/token", {"challenge": challenge, "code": code})
    assert (refused.status, refused.body["code"]) == (400, "validation_error")
    assert database.as_superuser("select tries from users_challenge where public_id = %s", [challenge]) == [(0,)]


# -------------------------------------------------------------------------------------------------- concurrency
def test_fifty_checks_of_one_code_make_one_session(api, phone, code_of, database: Database):
    challenge = ask(api, phone)
    body = {"challenge": challenge, "code": code_of(challenge)}
    answers = at_once(50, lambda _: api.post("/auth/token", body).status)
    assert sorted(answers) == [200] + [401] * 49
    rows = database.as_superuser(
        "select count(*) from users_device d join users_user u on u.id = d.user_id"
        " join users_challenge c on c.phone_index = u.phone_index where c.public_id = %s",
        [challenge],
    )
    assert rows == [(1,)]


def test_two_first_sign_ups_of_one_phone_end_in_one_person(api, code_of, database: Database):
    for _ in range(5):
        phone = new_phone()
        bodies = []
        for _ in range(2):
            challenge = ask(api, phone)
            bodies.append({"challenge": challenge, "code": code_of(challenge)})
        answers = at_once(2, lambda n, bodies=bodies: api.post("/auth/token", bodies[n]))
        assert [answer.status for answer in answers] == [200, 200]
        assert len({answer.body["user"]["id"] for answer in answers}) == 1


def test_a_sign_up_that_breaks_leaves_the_code_good(api, phone, code_of, monkeypatch, database: Database):
    """The wallet is opened in the same transaction: if that fails there is no person, and the code can be retried."""

    def broken(user_id: int) -> Any:
        raise RuntimeError("the wallet room is broken")

    people = database.as_superuser("select count(*) from users_user")
    challenge = ask(api, phone)
    body = {"challenge": challenge, "code": code_of(challenge)}
    with monkeypatch.context() as patch:
        patch.setattr(accounts, "_handlers", [broken])
        assert api.post("/auth/token", body).status == 500
    assert database.as_superuser("select count(*) from users_user") == people
    assert api.post("/auth/token", body).status == 200


def test_a_sign_up_opens_what_upper_rooms_registered(api, log_in, monkeypatch):
    seen: list[int] = []
    monkeypatch.setattr(accounts, "_handlers", [*accounts._handlers, seen.append])
    person = log_in()
    log_in(person.phone)
    assert len(seen) == 1


def test_a_closed_account_stays_closed(api, log_in, code_of, database: Database):
    person = log_in()
    database.as_superuser("update users_user set is_active = false where public_id = %s", [person.user["id"]])
    assert api.get("/me", person.access).status == 401
    challenge = ask(api, person.phone)
    refused = api.post("/auth/token", {"challenge": challenge, "code": code_of(challenge)})
    assert (refused.status, refused.body["code"]) == (403, "forbidden")
