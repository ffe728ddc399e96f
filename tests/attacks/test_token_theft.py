"""A refresh token that was stolen, used by thief and owner in both orders: whoever comes second ends the family for both."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.conftest import Database
from tests.helpers import Api
from tests.rls.world import Belongings
from users import tokens
from users.models import Device, RefreshToken
from users.services import sessions


@pytest.fixture
def stolen(database: Database, victim: Belongings) -> str:
    """A refresh token of a device of the victim's, which the thief has a copy of."""
    from core import clock
    from core.actor import actor
    from core.ids import new_id

    token = tokens.new_refresh_token()
    with actor(victim.person.id):
        device = Device.objects.create(public_id=new_id("dev"), user_id=victim.person.id, name="phone")
        over = clock.now() + timedelta(days=7)
        RefreshToken.objects.create(
            user_id=victim.person.id, device=device, token_hash=tokens.token_hash(token), expires_at=over
        )
    return token


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(datetime.now(UTC), tick=False) as frozen:
        yield frozen


def refresh(token: str) -> Any:
    return Api().post("/v1/auth/refresh", {"refresh": token})


def lives(access: str) -> bool:
    return bool(Api().request("GET", "/v1/me", authorization=f"Bearer {access}").status_code == 200)


@pytest.mark.parametrize("first", ["thief", "owner"])
def test_the_second_to_come_ends_it_for_both(stolen: str, victim: Belongings, clock: Any, first: str) -> None:
    """Who is who the server cannot know, and need not: the first refreshes twice before the other comes with the old one."""
    won = refresh(stolen).json()
    assert lives(won["access"])
    clock.shift(30)
    again = refresh(won["refresh"]).json()
    clock.shift(30)
    second = refresh(stolen)
    assert second.status_code == 401
    assert refresh(again["refresh"]).status_code == 401
    assert not lives(won["access"])
    assert not lives(again["access"])
    assert Api().get("/v1/me", person=victim.person).status_code == 200  # their other device


def test_the_owner_logs_out_and_the_thief_has_nothing(stolen: str, clock: Any) -> None:
    child = refresh(stolen).json()
    assert Api().post("/v1/auth/logout", {"refresh": child["refresh"]}).status_code == 204
    assert not lives(child["access"])
    assert refresh(child["refresh"]).status_code == 401


def test_a_grace_without_end_would_let_both_go_on(stolen: str, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the look at when a token was used, thief and owner share the account for a week."""
    monkeypatch.setattr(sessions, "GRACE", timedelta(days=30))
    won = refresh(stolen).json()
    clock.shift(600)
    assert refresh(stolen).status_code == 200
    assert refresh(won["refresh"]).status_code == 200
