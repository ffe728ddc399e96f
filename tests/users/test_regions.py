"""US only at first: by the phone's region, and by the country that the request comes from."""

from typing import Any

import pytest
from django.test import override_settings

from core.errors import ValidationError
from tests.conftest import Database
from tests.helpers import Api, assert_problem
from tests.payments.people import person
from users import regions, services
from users.errors import RegionNotServed

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


def test_a_request_from_elsewhere_is_refused_in_words_whoever_asks(database: Database) -> None:
    """The same answer for a phone that we know and one that we do not, and nothing is sent or counted for either."""
    api, known = Api(), person(database).phone
    said = []
    with override_settings(TRUSTED_PROXIES=1):
        for phone in (known, "+12125550999", "nonsense"):
            answer = api.post("/v1/auth/otp", {"phone": phone}, **{"X-Forwarded-For": LONDON})
            assert_problem(answer, 403, "region_not_served")
            said.append({name: value for name, value in answer.json().items() if name != "request_id"})
        assert said[0] == said[1] == said[2] and "the US" in said[0]["detail"] and "VPN" in said[0]["detail"]
        page = api.client.post("/login", {"phone": known}, headers={"X-Forwarded-For": LONDON})
        assert page.status_code == 400 and "comes from elsewhere" in page.content.decode()
        assert api.post("/v1/auth/otp", {"phone": known}, **{"X-Forwarded-For": MOUNTAIN_VIEW}).status_code == 202
    assert database.as_superuser("select count(*) from users_challenge") == [(1,)]


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
        if passes:
            regions.check_address(address)
        else:
            with pytest.raises(RegionNotServed):
                regions.check_address(address)


def test_so_is_the_phones_region(database: Database) -> None:
    with pytest.raises(ValidationError, match="from elsewhere"):
        services.request_code(phone="+447400123456", address="")
    with override_settings(PHONE_REGIONS=["US", "GB"]):
        assert services.request_code(phone="+447400123456", address="").challenge
