"""Cursors of lists: somebody else's, another list's, made up or bent. None of them shows a row that is not one's own."""

import base64
import json
from uuid import uuid4

import pytest

from core.api import decode_cursor, encode_cursor
from core.errors import ValidationError
from tests.conftest import Database
from tests.helpers import Api
from tests.rls.foreign import mark, no_filters, owners
from tests.rls.test_endpoints import endpoints
from tests.rls.test_matrix import no_policies as no_policies  # a fixture
from tests.rls.world import Belongings

# Lists that take a cursor, of the API: from the URLconf, those that answer with one.
LISTS = ["/v1/payments", "/v1/wallet/transactions", "/v1/loads", "/v1/redemptions", "/v1/rewards"]


@pytest.fixture(scope="module")
def cursors(database: Database, victim: Belongings, attacker: Belongings) -> list[str]:
    """All that both have been handed out, by every list."""
    for me, other in ((victim, attacker), (attacker, victim)):
        for _ in range(3):
            note = mark(me.person.id, other.person.id)
            body = {"to": other.person.username, "amount": 1, "note": note, "visibility": "private"}
            assert Api().post("/v1/payments", body, person=me.person, key=uuid4().hex).status_code == 201
    found = []
    for path in LISTS:
        for me in (victim, attacker):
            found.append(Api().get(f"{path}?limit=1", person=me.person).json()["next_cursor"])
    return [cursor for cursor in found if cursor]


def test_every_list_is_tried() -> None:
    taken = {f"/{one.route}" for one in endpoints() if one.method == "GET" and one.route.startswith("v1/")}
    assert set(LISTS) <= taken


@pytest.mark.parametrize("path", LISTS)
def test_any_cursor_shows_ones_own_rows_alone(
    database: Database, victim: Belongings, attacker: Belongings, cursors: list[str], path: str
) -> None:
    assert len(cursors) >= 4
    known = owners(database)
    made_up = [encode_cursor(position) for position in (0, 1, 10**6, 2**63 - 1)]
    for cursor in (*cursors, *made_up):
        answer = Api().get(f"{path}?limit=100&cursor={cursor}", person=attacker.person)
        assert answer.status_code == 200
        assert known.foreign_in(answer.content.decode(), attacker.person.id) == []


def test_a_list_that_went_by_its_cursor_alone_is_noticed(
    database: Database, victim: Belongings, attacker: Belongings, cursors: list[str], no_policies: None
) -> None:
    """The control: without the conditions on whose rows they are, and without policies, a position is a way in."""
    known = owners(database)
    with no_filters():
        answer = Api().get(f"/v1/payments?limit=100&cursor={encode_cursor(2**63 - 1)}", person=attacker.person)
    assert answer.status_code == 200
    assert known.foreign_in(answer.content.decode(), attacker.person.id) != []


BENT = ["MTox=", "MTotMQ", "Mjox", "MTo5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "", "' OR 1=1", "MTow\n", "%00", "MTo_", "MToxLjU", "MTogMQ"]


@pytest.mark.parametrize("cursor", BENT)
@pytest.mark.parametrize("path", LISTS)
def test_a_bent_one_is_refused_in_words(database: Database, attacker: Belongings, path: str, cursor: str) -> None:
    from urllib.parse import quote

    answer = Api().get(f"{path}?cursor={quote(cursor)}", person=attacker.person)
    assert answer.status_code == 400
    assert json.loads(answer.content)["code"] == "validation_error"


def test_one_position_has_one_writing() -> None:
    """Nothing that means a position in another way is taken: leading zeros, signs, blanks, other versions."""
    for text in ("1:01", "1:+1", "1: 1", "1:1 ", "01:1", "2:1", "1:1:1", "1:١"):
        with pytest.raises(ValidationError):
            decode_cursor(base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))
