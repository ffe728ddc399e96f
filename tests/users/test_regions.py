"""US only at first: by the phone's region, and for a new account by the country that the request comes from."""

from typing import Any

import pytest
from django.test import Client, override_settings

from core import keyring
from core.actor import SYSTEM, actor
from core.errors import ValidationError
from tests.conftest import Database
from tests.helpers import Api, assert_problem
from tests.payments.people import person
from users import regions, sealed, services
from users.models import Challenge

LONDON, MOUNTAIN_VIEW = "81.2.69.142", "8.8.8.8"


@pytest.mark.parametrize(
    ("address", "country"),
    [
        (MOUNTAIN_VIEW, "US"), ("2001:4860:4860::8888", "US"), (f"::ffff:{LONDON}", "GB"), (LONDON, "GB"), ("2001:b011::1", "TW"),
        ("127.0.0.1", ""), ("10.1.2.3", ""), ("fd00::1", ""), ("::1", ""), ("203.0.113.5", ""), ("", ""), ("not an address", ""),
        ("fe80::1%eth0", ""), ("8.8.8.8, 1.1.1.1", ""),
    ],
)  # fmt: skip
def test_where_an_address_is(address: str, country: str) -> None:
    assert regions.country_of(address) == country


def code_of(database: Database, challenge: str) -> str:
    with database.role("worker"), actor(SYSTEM):
        row = Challenge.objects.get(public_id=challenge)
        return keyring.decrypt_system(sealed.OTP, sealed.CHALLENGE_CODE, challenge, row.code_cipher or b"")


@pytest.fixture
def abroad(settings: Any) -> dict[str, str]:
    """The header of a request that comes from London."""
    settings.TRUSTED_PROXIES, settings.OTP_RESEND_SECONDS = 1, 0
    return {"X-Forwarded-For": LONDON}


def test_who_travels_logs_in(database: Database, abroad: dict[str, str]) -> None:
    api, known = Api(), person(database).phone
    asked = api.post("/v1/auth/otp", {"phone": known}, **abroad)
    assert asked.status_code == 202
    challenge = asked.json()["challenge"]
    answer = api.post("/v1/auth/token", {"challenge": challenge, "code": code_of(database, challenge)}, **abroad)
    assert answer.status_code == 200 and answer.json()["access"]


def test_a_new_account_is_refused_from_abroad_once_the_code_was_right_and_opened_here_with_the_same(
    database: Database, abroad: dict[str, str]
) -> None:
    api, people = Api(), "select count(*) from users_user where kind = 'person'"
    before = database.as_superuser(people)
    challenge = api.post("/v1/auth/otp", {"phone": "+12125550999"}, **abroad).json()["challenge"]
    body = {"challenge": challenge, "code": code_of(database, challenge)}
    for _ in range(2):
        refused = assert_problem(api.post("/v1/auth/token", body, **abroad), 403, "region_not_served")
        assert "the US" in refused["detail"] and "VPN" in refused["detail"]
    assert database.as_superuser(people) == before
    assert database.as_superuser("select used_at from users_challenge where public_id = %s", [challenge]) == [(None,)]
    assert api.post("/v1/auth/token", body, **{"X-Forwarded-For": MOUNTAIN_VIEW}).status_code == 200
    # Which is theirs from now on, wherever they are.
    challenge = api.post("/v1/auth/otp", {"phone": "+12125550999"}, **abroad).json()["challenge"]
    body = {"challenge": challenge, "code": code_of(database, challenge)}
    assert api.post("/v1/auth/token", body, **abroad).status_code == 200


def test_the_page_says_so_in_words(database: Database, abroad: dict[str, str]) -> None:
    browser = Client(headers=abroad)
    assert browser.post("/login", {"phone": "+12125550998"}).status_code == 302
    [(challenge,)] = database.as_superuser("select public_id from users_challenge order by id desc limit 1")
    page = browser.post("/login/code", {"code": code_of(database, challenge)})
    assert page.status_code == 400 and "comes from elsewhere" in page.content.decode()


@pytest.mark.parametrize(
    ("changed", "address", "passes"),
    [
        ({"ADDRESS_REGIONS": ["US", "GB"]}, LONDON, True), ({"ADDRESS_REGIONS": []}, LONDON, True), ({}, LONDON, False),
        ({}, "10.0.0.1", True), ({"ADDRESS_UNKNOWN_PASSES": False}, "10.0.0.1", False),
        ({"ADDRESS_UNKNOWN_PASSES": False}, "", False),
        ({"ADDRESS_UNKNOWN_PASSES": False}, MOUNTAIN_VIEW, True),
    ],
)  # fmt: skip
def test_it_is_a_setting(changed: dict[str, Any], address: str, passes: bool) -> None:
    with override_settings(**changed):
        assert regions.is_abroad(address) != passes


def test_so_is_the_phones_region(database: Database) -> None:
    with pytest.raises(ValidationError, match="from elsewhere"):
        services.request_code(phone="+447400123456", address="")
    with override_settings(PHONE_REGIONS=["US", "GB"]):
        assert services.request_code(phone="+447400123456", address="").challenge
