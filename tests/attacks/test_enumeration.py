"""Whether a phone is known: not in a status, a body or a header, and not in the work that is done, which is what takes time."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import Database
from tests.helpers import Api
from tests.rls.world import Belongings

UNKNOWN = "+16465559876"
VOLATILE = re.compile(r"ch_[0-9a-z]{26}|req_[0-9a-z]{26}|csrfmiddlewaretoken\" value=\"[^\"]+|•••• \d{4}|\d{4}\b")


@pytest.fixture(autouse=True)
def no_wait(settings: Any) -> None:
    settings.OTP_RESEND_SECONDS = 0


def shape(answer: Any) -> tuple[int, str, list[str]]:
    headers = sorted(set(answer.headers) - {"X-Request-ID", "Content-Length"})
    return answer.status_code, VOLATILE.sub("", answer.content.decode()), headers


def work(queries: CaptureQueriesContext) -> list[str]:
    """The statements without their values: same kinds in the same order."""
    return [re.sub(r"'[^']*'|\\x[0-9a-f]+|\d+", "?", query["sql"]) for query in queries.captured_queries]


def ask_by_api(phone: str, **headers: str) -> list[Any]:
    asked = Api().post("/v1/auth/otp", {"phone": phone}, **headers)
    challenge = asked.json()["challenge"]
    wrong = Api().post("/v1/auth/token", {"challenge": challenge, "code": "000000"}, **headers)
    return [asked, wrong]


def ask_by_page(phone: str, **headers: str) -> list[Any]:
    browser = Client(headers=headers)
    asked = browser.post("/login", {"phone": phone})
    page = browser.get("/login/code")
    wrong = browser.post("/login/code", {"code": "000000"})
    again = browser.post("/login/resend")
    return [asked, page, wrong, again]


@pytest.mark.parametrize("address", ["8.8.8.8", "81.2.69.142"], ids=["from here", "from abroad"])
@pytest.mark.parametrize("ask", [ask_by_api, ask_by_page])
def test_known_and_unknown_phones_make_the_same_work_and_answer(
    database: Database, victim: Belongings, ask: Any, address: str, settings: Any
) -> None:
    """Also from where no account can be opened: the one would be let in, and the other would not."""
    settings.TRUSTED_PROXIES, seen = 1, []
    headers = {"X-Forwarded-For": address}
    ask("+16465559875", **headers)  # whatever is read once
    for phone in (victim.person.phone, UNKNOWN):
        with CaptureQueriesContext(connection) as queries:
            answers = ask(phone, **headers)
        seen.append(([shape(answer) for answer in answers], work(queries)))
    (known, known_work), (unknown, unknown_work) = seen
    assert known == unknown
    assert known_work == unknown_work
    assert len(known_work) > 2


def test_the_comparison_above_would_notice_a_look_at_people(
    database: Database, victim: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a service that looks whether there is somebody, and does a little more for them."""
    from core import keyring
    from users.database import call
    from users.services import codes

    whole = codes.request_code

    def looks_first(*, phone: str, address: str) -> Any:
        if call("users_person_by_phone", [keyring.phone_index(phone)]):
            call("users_challenge_look", ["ch_x", 0])
        return whole(phone=phone, address=address)

    monkeypatch.setattr("users.services.request_code", looks_first)
    counts = []
    for phone in (victim.person.phone, UNKNOWN):
        with CaptureQueriesContext(connection) as queries:
            ask_by_api(phone)
        counts.append(len(work(queries)))
    assert counts[0] != counts[1]


def test_so_would_it_notice_a_country_that_is_looked_at_for_new_phones_alone(
    database: Database, victim: Belongings, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """The control of the one from abroad: sign-ups refused when a code is asked for, as one would first think of it."""
    from core import keyring
    from users import regions
    from users.database import call
    from users.services import codes

    settings.TRUSTED_PROXIES, whole = 1, codes.request_code

    def refuses_at_once(*, phone: str, address: str) -> Any:
        if regions.is_abroad(address) and not call("users_person_by_phone", [keyring.phone_index(phone)]):
            raise regions.not_served()
        return whole(phone=phone, address=address)

    monkeypatch.setattr("users.services.request_code", refuses_at_once)
    asked = [
        shape(Api().post("/v1/auth/otp", {"phone": phone}, **{"X-Forwarded-For": "81.2.69.142"}))
        for phone in (victim.person.phone, UNKNOWN)
    ]
    assert asked[0] != asked[1]


def test_what_is_not_there_and_what_is_somebody_elses_are_answered_alike(
    database: Database, victim: Belongings, attacker: Belongings
) -> None:
    for path, mine in (("/v1/payments/{}", "payment"), ("/v1/loads/{}", "transfer_id"), ("/v1/devices/{}", "device")):
        method = "DELETE" if "devices" in path else "GET"
        there = victim.ids[mine]
        nowhere = there[:-16] + uuid4().hex[:16].replace("i", "0").replace("l", "0").replace("o", "0")
        seen = []
        for name in (there, nowhere):
            with CaptureQueriesContext(connection) as queries:
                answer = Api().request(method, path.format(name), person=attacker.person)
            seen.append((shape(answer), work(queries)))
        assert seen[0] == seen[1]
        assert seen[0][0][0] == 404
