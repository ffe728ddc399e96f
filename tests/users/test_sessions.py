"""Tokens and devices: rotation, the same child within the grace, reuse, revocation, and forged tokens."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.conf import settings as django_settings

from tests.conftest import Database
from tests.helpers import at_once
from tests.users.conftest import Api, Person
from users import services, tokens


def refresh(api: Api, token: str):
    return api.post("/auth/refresh", {"refresh": token})


def session_of(person: Person):
    claims = tokens.read_access_token(person.access)
    return services.access(device_public_id=claims.device_public_id).session


# ---------------------------------------------------------------------------------------------------- refreshing
def test_a_refresh_gives_a_new_pair_that_works(api, log_in):
    person = log_in()
    answer = refresh(api, person.refresh)
    assert answer.status == 200
    assert set(answer.body) == {"access", "refresh", "expires_in"}
    assert answer.body["refresh"] != person.refresh
    assert api.get("/me", answer.body["access"]).body["id"] == person.user["id"]


def test_the_same_old_token_gives_the_same_child_within_ten_seconds(api, log_in):
    person = log_in()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        first = refresh(api, person.refresh).body["refresh"]
        clock.shift(9)
        assert refresh(api, person.refresh).body["refresh"] == first


def test_later_reuse_ends_the_family_for_both(api, log_in):
    """Whoever comes second, thief or owner, the family is over: its child, and its access tokens too."""
    person = log_in()
    other_device = log_in(person.phone)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        child = refresh(api, person.refresh).body
        clock.shift(11)
        reused = refresh(api, person.refresh)
        assert (reused.status, reused.body["code"]) == (401, "unauthenticated")
        assert refresh(api, child["refresh"]).status == 401
        assert api.get("/me", child["access"]).status == 401
        assert api.get("/me", other_device.access).status == 200


def test_reuse_of_a_grandparent_ends_the_family(api, log_in):
    person = log_in()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        child = refresh(api, person.refresh).body["refresh"]
        clock.shift(60)
        grandchild = refresh(api, child).body["refresh"]
        assert refresh(api, person.refresh).status == 401
        assert refresh(api, grandchild).status == 401


def test_fifty_refreshes_of_one_token_make_one_child(api, log_in, database: Database):
    person = log_in()
    answers = at_once(50, lambda _: refresh(api, person.refresh))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["refresh"] for answer in answers}) == 1
    device = session_of(person).device_id
    assert database.as_superuser("select count(*) from users_refreshtoken where device_id = %s", [device]) == [(2,)]


def test_a_family_ends_seven_days_after_login_however_often_it_is_refreshed(api, log_in):
    person = log_in()
    token = person.refresh
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        for _ in range(6):
            clock.shift(timedelta(days=1))
            token = refresh(api, token).body["refresh"]
        clock.shift(timedelta(days=1, seconds=5))
        assert refresh(api, token).status == 401


def test_only_hashes_of_tokens_are_stored(api, log_in, database: Database):
    person = log_in()
    child = refresh(api, person.refresh).body["refresh"]
    stored = str(database.as_superuser("select * from users_refreshtoken"))
    assert person.refresh not in stored
    assert child not in stored


@pytest.mark.parametrize("body", [{}, {"refresh": 5}, {"refresh": ""}, {"refresh": "x" * 500}, {"refresh": "a\u0000b"}, None])
def test_a_malformed_refresh_is_a_bad_request(api, body):
    assert refresh(api, "nobody's").status == 401
    for path in ("/auth/refresh", "/auth/logout"):
        assert api.post(path, body).status == 400


# ------------------------------------------------------------------------------------------------------- ending
def test_logging_out_ends_both_tokens_at_once(api, log_in):
    person = log_in()
    assert api.post("/auth/logout", {"refresh": person.refresh}).status == 204
    assert api.get("/me", person.access).status == 401
    assert refresh(api, person.refresh).status == 401
    assert api.post("/auth/logout", {"refresh": person.refresh}).status == 204


def test_logging_out_with_nobodys_token_has_nothing_to_end(api):
    assert api.post("/auth/logout", {"refresh": "nobody's"}).status == 204


def test_a_revoked_device_is_refused_at_once(api, log_in):
    person = log_in()
    session = session_of(person)
    services.revoke_device(user_id=session.user_id, device_id=session.device_id)
    refused = api.get("/me", person.access)
    assert (refused.status, refused.body["code"]) == (401, "unauthenticated")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_nobody_revokes_a_device_of_somebody_else(api, log_in):
    mine, other = log_in(), log_in()
    services.revoke_device(user_id=session_of(mine).user_id, device_id=session_of(other).device_id)
    assert api.get("/me", other.access).status == 200


def test_a_device_is_seen_at_most_once_a_minute(api, log_in, database: Database):
    person = log_in()
    device = session_of(person).device_id

    def seen():
        return database.as_superuser("select last_seen_at from users_device where id = %s", [device])[0][0]

    before = seen()
    api.get("/me", person.access)
    assert seen() == before
    database.as_superuser("update users_device set last_seen_at = now() - interval '2 minutes' where id = %s", [device])
    api.get("/me", person.access)
    assert seen() >= before


def test_a_device_row_says_what_it_was_and_roughly_where(api, phone, code_of, database: Database, settings):
    settings.TRUSTED_PROXIES = 1
    challenge = api.post("/auth/otp", {"phone": phone}).body["challenge"]
    body = {"challenge": challenge, "code": code_of(challenge), "device_name": "Ann's phone"}
    api.post("/auth/token", body, X_Forwarded_For="203.0.113.77", User_Agent="PaYa/1 " + "x" * 500)
    name, agent, network = database.as_superuser("select name, user_agent, network from users_device order by id desc limit 1")[0]
    assert (name, network) == ("Ann's phone", "203.0.113.0/24")
    assert len(agent) == 200


# ------------------------------------------------------------------------------------------------ access tokens
def forge(claims: dict, key: bytes | None = None, algorithm: str = "HS256") -> str:
    now = datetime.now(UTC)
    full = {"iss": "paya", "aud": "paya-api", "iat": now, "exp": now + timedelta(minutes=15)} | claims
    key = bytes.fromhex(django_settings.JWT_KEY) if key is None else key
    return jwt.encode({name: value for name, value in full.items() if value is not None}, key, algorithm=algorithm)


def test_an_access_token_names_public_ids_only(log_in):
    person = log_in()
    part = person.access.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert set(claims) == {"iss", "aud", "sub", "dev", "iat", "exp"}
    assert claims["sub"] == person.user["id"]
    assert claims["dev"].startswith("dev_")
    assert claims["exp"] - claims["iat"] == 15 * 60


def test_an_access_token_is_over_after_a_quarter_of_an_hour(api, log_in):
    person = log_in()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=15, seconds=1)):
        assert api.get("/me", person.access).status == 401


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another-api"},
        {"iss": "somebody"},
        {"exp": 1},
        {"exp": None},
        {"iss": None},
        {"aud": None},
        {"dev": None},
        {"sub": None},
        {"sub": "usr_somebody_else"},
        {"dev": "dev_unknown"},
        {"dev": 7},
    ],
)
def test_a_token_that_is_not_quite_ours_is_refused(api, log_in, change):
    person = log_in()
    claims = jwt.decode(person.access, options={"verify_signature": False})
    good = {"sub": claims["sub"], "dev": claims["dev"]}
    assert api.get("/me", forge(good)).status == 200
    assert api.get("/me", forge(good | change)).status == 401


def test_a_token_of_another_key_or_algorithm_is_refused(api, log_in):
    person = log_in()
    claims = jwt.decode(person.access, options={"verify_signature": False})
    good = {"sub": claims["sub"], "dev": claims["dev"]}
    assert api.get("/me", forge(good, key=b"k" * 64)).status == 401
    assert api.get("/me", jwt.encode(claims, None, algorithm="none")).status == 401
    assert api.get("/me", forge(claims)).status == 200
    assert api.get("/me", forge(good, key=bytes.fromhex(django_settings.JWT_KEY) * 2, algorithm="HS512")).status == 401
    header, payload, signature = person.access.split(".")
    assert api.get("/me", f"{header}.{payload}.{signature[:-2]}AA").status == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ü", "null"])
def test_rubbish_is_no_token(api, token):
    assert api.get("/me", token).status == 401


def test_the_api_wants_a_token(api):
    for method, path in [("GET", "/me"), ("PATCH", "/me"), ("GET", "/users?q=a")]:
        refused = api.call(method, path, {} if method == "PATCH" else None)
        assert (refused.status, refused.body["code"]) == (401, "unauthenticated")
    assert api.call("GET", "/me", Authorization="Basic YTpi").status == 401
