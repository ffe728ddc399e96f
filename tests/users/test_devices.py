"""Where a person is logged in, and logging out there: on pages, tokens and open sockets at once."""

import asyncio
import re
from typing import Any

import pytest
from django.test import Client

from core import live
from core.outbox import Row
from tests.conftest import Database
from tests.helpers import relay_all
from tests.users.conftest import Api, Person
from users import handlers, services, tokens
from wallets import consumers


def device_of(token: str) -> str:
    return tokens.read_access_token(token).device_public_id


def listed(api: Api, person: Person) -> list[dict[str, Any]]:
    answer = api.get("/devices", person.access)
    assert answer.status == 200
    assert answer.body["next_cursor"] is None
    return list(answer.body["data"])


def test_ones_devices_are_listed_and_this_one_is_marked(api, log_in):
    here = log_in(username="devlist")
    there = log_in(here.phone)
    stranger = log_in()
    found = listed(api, here)
    assert {device["id"]: device["current"] for device in found} == {device_of(here.access): True, device_of(there.access): False}
    assert set(found[0]) == {"id", "name", "network", "created_at", "last_seen_at", "current"}
    assert found[0]["network"] == "127.0.0.0/24"
    assert device_of(stranger.access) not in str(found)


def test_one_is_logged_out_and_nothing_of_it_works_any_more(api, log_in):
    here = log_in()
    there = log_in(here.phone)
    answer = api.call("DELETE", f"/devices/{device_of(there.access)}", token=here.access)
    assert (answer.status, answer.body) == (204, {})
    assert api.get("/me", there.access).status == 401
    assert api.post("/auth/refresh", {"refresh": there.refresh}).status == 401
    assert api.get("/me", here.access).status == 200
    assert [device["id"] for device in listed(api, here)] == [device_of(here.access)]
    again = api.call("DELETE", f"/devices/{device_of(there.access)}", token=here.access)
    assert (again.status, again.body["code"]) == (404, "not_found")


def test_somebody_elses_device_is_not_there(api, log_in):
    me, other = log_in(), log_in()
    refused = api.call("DELETE", f"/devices/{device_of(other.access)}", token=me.access)
    assert (refused.status, refused.body["code"]) == (404, "not_found")
    assert api.get("/me", other.access).status == 200


@pytest.mark.parametrize(
    ("body", "here_lives"), [({}, False), ({"keep_this_device": False}, False), ({"keep_this_device": True}, True)]
)
def test_everywhere(api, log_in, body, here_lives):
    here = log_in()
    others = [log_in(here.phone) for _ in range(3)]
    stranger = log_in()
    assert api.post("/devices/logout-everywhere", body, here.access).status == 204
    assert [api.get("/me", each.access).status for each in others] == [401] * 3
    assert [api.post("/auth/refresh", {"refresh": each.refresh}).status for each in others] == [401] * 3
    assert api.get("/me", here.access).status == (200 if here_lives else 401)
    assert api.get("/me", stranger.access).status == 200


@pytest.mark.parametrize("keep", ["true", 1, 0, None, []])
def test_keep_is_a_boolean(api, log_in, keep):
    here = log_in()
    refused = api.post("/devices/logout-everywhere", {"keep_this_device": keep}, here.access)
    assert (refused.status, refused.body["code"]) == (400, "validation_error")
    assert api.get("/me", here.access).status == 200


def test_the_description_knows_them():
    schema = Client().get("/v1/openapi.json").json()
    assert {"/v1/devices", "/v1/devices/{device}", "/v1/devices/logout-everywhere"} <= set(schema["paths"])


# -------------------------------------------------------------------------------------------------------- pages
@pytest.fixture
def browser(api, code_of, log_in):
    """Log a person in on the pages."""

    def run(phone: str, agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0") -> Client:
        client = Client(headers={"User-Agent": agent})
        client.post("/login", {"phone": phone})
        answer = client.post("/login/code", {"code": code_of(client.session["challenge"])})
        assert answer.status_code == 302, answer.content
        return client

    return run


def test_the_page_shows_them_and_logs_one_out(api, log_in, browser):
    person = log_in(username="devpage")
    here = browser(person.phone)
    page = here.get("/settings/devices").content.decode()
    assert "Firefox on Linux" in page
    assert page.count("This device") == 1
    assert "127.0.0.x" in page
    assert here.get("/settings").content.decode().count("/settings/devices") == 1

    answer = here.post(f"/settings/devices/{device_of(person.access)}/logout", follow=True)
    assert "That device is logged out." in answer.content.decode()
    assert api.get("/me", person.access).status == 401
    assert here.get("/settings/devices").content.decode().count('class="row-item"') == 1


def test_a_page_that_was_logged_out_elsewhere_is_out(api, log_in, browser):
    person = log_in(username="devpage2")
    there = browser(person.phone)
    device = next(device["id"] for device in listed(api, person) if not device["current"])
    api.call("DELETE", f"/devices/{device}", token=person.access)
    assert there.get("/settings").status_code == 302


def test_this_device_logged_out_on_the_page_is_a_log_out(log_in, browser):
    person = log_in(username="devpage3")
    here = browser(person.phone)
    own = re.search(r"/settings/devices/(dev_\w+)/logout", here.get("/settings/devices").content.decode())
    assert own is not None
    assert here.post(f"/settings/devices/{own[1]}/logout").url == "/"
    assert here.get("/settings").url.startswith("/login")


@pytest.mark.parametrize(("keep", "goes_to"), [("this", "/settings/devices"), ("", "/")])
def test_everywhere_on_the_page(api, log_in, browser, keep, goes_to):
    person = log_in(username=f"devev{len(keep)}")
    here = browser(person.phone)
    answer = here.post("/settings/devices/logout-everywhere", {"keep": keep})
    assert answer.url == goes_to
    assert api.get("/me", person.access).status == 401
    assert (here.get("/settings").status_code == 200) is bool(keep)


def test_somebody_elses_device_is_not_logged_out_by_a_page(api, log_in, browser):
    me, other = log_in(username="devme"), log_in()
    browser(me.phone).post(f"/settings/devices/{device_of(other.access)}/logout")
    assert api.get("/me", other.access).status == 200


def test_a_stranger_is_sent_to_log_in():
    assert Client().get("/settings/devices").url == "/login?next=/settings/devices"
    assert Client().post("/settings/devices/logout-everywhere").url == "/login"


# ------------------------------------------------------------------------------------------------- open sockets
def revoked_events(database: Database) -> list[dict[str, int]]:
    return [
        payload
        for (payload,) in database.as_superuser("select payload from core_outbox where topic = 'device.revoked' order by id")
    ]


def session_of(person: Person) -> Any:
    access = services.access(device_public_id=device_of(person.access))
    assert access is not None
    return access.session


def test_each_way_out_tells_the_sockets_once(api, log_in, database: Database):
    here = log_in()
    there, third = log_in(here.phone), log_in(here.phone)
    ids = [session_of(each) for each in (there, third, here)]
    before = len(revoked_events(database))
    api.call("DELETE", f"/devices/{device_of(there.access)}", token=here.access)
    api.post("/auth/logout", {"refresh": third.refresh})
    api.post("/auth/logout", {"refresh": third.refresh})
    api.post("/devices/logout-everywhere", {}, here.access)
    events = revoked_events(database)[before:]
    assert events == [{"user": each.user_id, "device": each.device_id} for each in ids]


def test_the_relay_publishes_who_has_to_close(log_in, database: Database, monkeypatch):
    person = log_in()
    session = session_of(person)
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(live, "publish", said.extend)
    services.revoke_device(user_id=session.user_id, device_id=session.device_id)
    with database.role("worker"):
        relay_all()
    mine = [message for message in said if message["kind"] == "device_revoked" and message["user"] == session.user_id]
    assert mine == [{"topic": "me", "kind": "device_revoked", "ref": "", "user": session.user_id, "device": session.device_id}]


class Socket(consumers.MeConsumer):
    """A socket that remembers what it was told."""

    def __init__(self, user_id: int, device_id: int) -> None:
        super().__init__()
        self.user_id, self.device_id = user_id, device_id
        self.frames: list[str] = []
        self.closed: int | None = None

    async def push(self, text: str) -> None:
        self.frames.append(text)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.closed = code


def test_the_revoked_devices_socket_closes_and_the_others_stay(log_in, monkeypatch):
    here = log_in()
    there = log_in(here.phone)
    one, other = session_of(here), session_of(there)
    sockets = [Socket(one.user_id, one.device_id), Socket(other.user_id, other.device_id)]
    monkeypatch.setitem(consumers._sockets, one.user_id, set(sockets))
    services.revoke_device(user_id=other.user_id, device_id=other.device_id)
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(live, "publish", said.extend)
    handlers.close_sockets([Row(1, "device.revoked", {"user": other.user_id, "device": other.device_id}, None)])
    monkeypatch.setattr(consumers, "database_sync_to_async", lambda function: _later(function))
    asyncio.run(consumers.on_messages(said))
    assert [socket.closed for socket in sockets] == [None, consumers.TICKET_REFUSED]
    assert [socket.frames for socket in sockets] == [[], []]


def _later(function: Any) -> Any:
    """In a thread of its own, whose connection to the database is its own too."""

    async def run(*arguments: Any) -> Any:
        return await asyncio.to_thread(function, *arguments)

    return run
