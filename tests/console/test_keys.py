"""Security keys of staff: one's own right key and nothing else lets in, once; adding and removing one is written down."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as project
from django.db import DatabaseError, connection
from django.test import Client, override_settings

from console import keys, services
from console.admin import actions as asked
from console.models import SecurityKey
from core.actor import actor
from tests.conftest import Database
from tests.console.authenticator import SoftKey
from tests.console.conftest import EMAIL, PASSWORD, Desk, code

ORIGIN = "http://localhost:8003"
OTHER = "bo@staff.example"
WRONG = "E-mail, password or code is not right."


@pytest.fixture(autouse=True)
def known_address() -> Iterator[None]:
    with override_settings(STAFF_ORIGIN=ORIGIN):
        yield


def register(desk: Desk, name: str = "Blue key", key: SoftKey | None = None, **lies: Any) -> tuple[SoftKey, Any]:
    key = key or SoftKey(ORIGIN)
    answer = key.create(desk.post("/admin/keys/options/").json(), **lies)
    return key, desk.post("/admin/keys/", name=name, key=answer)


@pytest.fixture
def key(desk: Desk) -> SoftKey:
    """A key of the member of staff who is logged in at `desk`."""
    key, answer = register(desk)
    assert answer.status_code == 302, answer.content.decode()
    return key


def options(desk: Desk) -> dict[str, Any]:
    if not desk.client.cookies.get(project.CSRF_COOKIE_NAME):
        desk.get("/admin/login/")  # which gives a browser its cookie
    answer = desk.post("/admin/login/key/")
    assert answer.status_code == 200
    return dict(answer.json())


def try_in(desk: Desk, answer: str, email: str = EMAIL, password: str = PASSWORD) -> Any:
    form = {"username": email, "password": password, "code": "", "key": answer, "next": "/admin/"}
    return desk.client.post("/admin/login/", form)


def refused(answer: Any, desk: Desk) -> None:
    assert answer.status_code == 200
    assert WRONG in answer.content.decode()
    assert not desk.is_in


def colleague(database: Database) -> None:
    with database.role("worker"):
        services.create_staff(email=OTHER, roles=["support"], password=PASSWORD, secret=bytes(range(20)))


# ---------------------------------------------------------------------------------------------------- logging in
def test_the_right_key_stands_in_for_the_code(key: SoftKey, staff_site: Database) -> None:
    desk = Desk()
    asked_for = options(desk)
    assert asked_for["rpId"] == "localhost"
    assert asked_for["userVerification"] == "preferred"
    assert not asked_for.get("allowCredentials")  # nobody learns whose keys there are
    assert try_in(desk, key.get(asked_for)).status_code == 302
    assert desk.is_in
    [(count, used)] = staff_site.as_superuser("select sign_count, last_used_at is not null from console_securitykey")
    assert (count, used) == (1, True)
    assert try_in(Desk(), key.get(options(Desk()))).status_code == 200  # asked of another browser


@pytest.mark.parametrize("lie", [
    {"origin": "http://127.0.0.1:8003"}, {"origin": "http://localhost:8000"}, {"origin": "https://localhost:8003"},
    {"origin": "http://localhost:8003.evil.example"}, {"domain": "evil.example"}, {"domain": "127.0.0.1"}, {"flags": 0},
    {"kind": "webauthn.create"}, {"challenge": "AAAA"},
])  # fmt: skip
def test_a_key_that_was_asked_elsewhere_is_refused_in_the_same_words(key: SoftKey, lie: dict[str, Any]) -> None:
    desk = Desk()
    refused(try_in(desk, key.get(options(desk), **lie)), desk)
    assert try_in(desk, key.get(options(desk))).status_code == 302


def test_an_answer_is_good_once_and_not_for_long(key: SoftKey, staff_site: Database) -> None:
    desk = Desk()
    answer = key.get(options(desk))
    assert try_in(desk, answer).status_code == 302
    desk.post("/admin/logout/")
    refused(try_in(desk, answer), desk)
    late = key.get(options(desk))
    staff_site.as_superuser("update console_keychallenge set at = at - interval '121 seconds'")
    refused(try_in(desk, late), desk)
    wrong = key.get(options(desk))
    refused(try_in(desk, wrong, password="wrong"), desk)  # uses it up, too
    refused(try_in(desk, wrong), desk)
    assert staff_site.as_superuser("select count(*) from console_keychallenge where at > now() - interval '2 minutes'") == [(0,)]


def test_an_answer_is_good_for_what_it_was_asked_for(key: SoftKey, desk: Desk) -> None:
    again = key.get(desk.post("/admin/again/key/").json())
    other = Desk()
    refused(try_in(other, again), other)


def test_a_count_that_goes_back_is_a_copy(key: SoftKey) -> None:
    desk = Desk()
    key.count = 7
    assert try_in(desk, key.get(options(desk))).status_code == 302
    for count in (7, 3, 0):  # the key says one more than this
        key.count, copy = count - 1, Desk()
        refused(try_in(copy, key.get(options(copy))), copy)
    key.count = 8
    last = Desk()
    assert try_in(last, key.get(options(last))).status_code == 302


def test_a_key_that_does_not_count_is_let_in_each_time(desk: Desk) -> None:
    key, answer = register(desk, key=SoftKey(ORIGIN, counts=False))
    assert answer.status_code == 302
    for _ in range(2):
        one = Desk()
        assert try_in(one, key.get(options(one))).status_code == 302


def test_a_key_of_another_member_opens_nothing(key: SoftKey, database: Database) -> None:
    colleague(database)
    desk = Desk()
    for handle in (key.handle, None):
        key.handle = handle
        refused(try_in(desk, key.get(options(desk)), email=OTHER), desk)


def test_whoever_is_deactivated_is_out_with_their_key(key: SoftKey, desk: Desk, staff_site: Database, account: int) -> None:
    staff_site.as_superuser("update users_user set is_active = false where id = %s", [account])
    assert not desk.is_in
    other = Desk()
    refused(try_in(other, key.get(options(other))), other)


def test_wrong_keys_are_counted_as_wrong_codes_are(key: SoftKey) -> None:
    desk = Desk()
    for _ in range(services.TRIES_FROM_ONE):
        refused(try_in(desk, key.get(options(desk), domain="evil.example")), desk)
    assert "Too many wrong tries" in try_in(desk, key.get(options(desk))).content.decode()
    assert "Too many wrong tries" in desk.try_in(token=code(1)).content.decode()


@pytest.mark.parametrize("nonsense", [
    "x", "{}", "[]", "null", '"a"', "1", '{"response": []}', '{"response": {"clientDataJSON": 1}}', "[" * 4000,
    '{"response": {"clientDataJSON": "e30"}}',
])  # fmt: skip
def test_nonsense_is_a_wrong_try(outside: Desk, nonsense: str) -> None:
    refused(try_in(outside, nonsense), outside)


def test_an_answer_with_parts_missing_is_a_wrong_try(key: SoftKey) -> None:
    desk = Desk()
    for part in ("authenticatorData", "signature", "rawId", "id", "type"):
        said = json.loads(key.get(options(desk)))
        (said if part in said else said["response"])[part] = ""
        if part != "type":  # five are too many
            refused(try_in(desk, json.dumps(said)), desk)


def test_of_two_at_once_with_one_answer_one_gets_in(key: SoftKey, staff_site: Database) -> None:
    answer, bound = "", b"x" * 32
    answer = key.get(keys.ask(bound, []))
    found: list[bool] = []

    def come() -> None:
        try:
            services.log_in(email=EMAIL, password=PASSWORD, code="", address="", key=services.KeySaid(answer, bound))
            found.append(True)
        except Exception:
            found.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, False, False, True]


def test_without_an_address_there_are_no_keys(key: SoftKey) -> None:
    desk = Desk()
    asked_for = options(desk)
    with override_settings(STAFF_ORIGIN=""):
        assert desk.post("/admin/login/key/").status_code == 404
        refused(try_in(desk, key.get(asked_for)), desk)


# ---------------------------------------------------------------------------------------------- before money moves
def test_a_key_is_fresh_enough_for_money_and_not_for_keys(
    key: SoftKey, desk: Desk, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "/admin/console/correction/do/fund/"
    real = asked.time.time
    monkeypatch.setattr(asked.time, "time", lambda: real() + settings.STAFF_FRESH_SECONDS + 31)
    assert desk.get(address).status_code == 302
    wrong = key.get(desk.post("/admin/again/key/").json(), origin="http://x")
    assert desk.post("/admin/again/", key=wrong, next=address).status_code == 400
    said = desk.post("/admin/again/key/").json()
    assert len(said["allowCredentials"]) == 1
    done = desk.post("/admin/again/", key=key.get(said), next=address)
    assert (done.status_code, done["Location"]) == (302, address)
    assert desk.get(address).status_code == 200
    # For another key it takes a code.
    assert desk.post("/admin/keys/options/").status_code == 403
    refusal = desk.post("/admin/again/", key=key.get(desk.post("/admin/again/key/").json()), next="/admin/keys/")
    assert refusal.status_code == 400
    token = code(round((settings.STAFF_FRESH_SECONDS + 31) / 30))
    assert desk.post("/admin/again/", code=token, next="/admin/keys/").status_code == 302
    assert desk.post("/admin/keys/options/").status_code == 200


def test_whoever_came_by_key_gives_a_code_before_they_add_another(key: SoftKey, staff_site: Database) -> None:
    desk = Desk()
    answer = key.get(options(desk))
    assert try_in(desk, answer).status_code == 302
    [(row,)] = staff_site.as_superuser("select id from console_securitykey")
    for post in (desk.post("/admin/keys/", name="x", key="x"), desk.post(f"/admin/keys/{row}/remove/")):
        assert (post.status_code, post["Location"]) == (302, "/admin/again/?next=%2Fadmin%2Fkeys%2F")
    assert "give the code of your app" in desk.get("/admin/keys/").content.decode()


# ---------------------------------------------------------------------------------------------- adding and removing
@pytest.mark.parametrize("lie", [{"origin": "http://evil.example"}, {"domain": "evil.example"}])
def test_a_key_made_elsewhere_is_not_registered(desk: Desk, lie: dict[str, Any], staff_site: Database) -> None:
    _, answer = register(desk, **lie)
    assert answer.status_code == 400
    assert staff_site.as_superuser("select count(*) from console_securitykey") == [(0,)]


def test_a_registration_is_good_once(desk: Desk) -> None:
    key = SoftKey(ORIGIN)
    answer = key.create(desk.post("/admin/keys/options/").json())
    assert desk.post("/admin/keys/", name="One", key=answer).status_code == 302
    assert "This key is not right" in desk.post("/admin/keys/", name="Two", key=answer).content.decode()
    _, twice = register(desk, "Two", key)
    assert "registered already" in twice.content.decode()


def test_adding_and_removing_is_in_the_trail_and_ends_what_it_opened(key: SoftKey, desk: Desk, staff_site: Database) -> None:
    inside = Desk()
    assert try_in(inside, key.get(options(inside))).status_code == 302
    page = desk.get("/admin/keys/", HTTP_HOST="localhost:8003").content.decode()
    assert "Blue key" in page
    [(row,)] = staff_site.as_superuser("select id from console_securitykey")
    assert desk.post(f"/admin/keys/{row + 1}/remove/").status_code == 404
    assert desk.post(f"/admin/keys/{row}/remove/").status_code == 302
    assert not inside.is_in
    assert desk.is_in
    entries = staff_site.as_superuser("select kind, action, what, after ->> 'name' from console_trail order by id")
    assert entries == [
        ("action", "key.add", "Security key “Blue key”.", None), ("change", "key.add", "console_securitykey", "Blue key"),
        ("action", "key.remove", "Security key “Blue key”.", None), ("change", "key.remove", "console_securitykey", None),
    ]  # fmt: skip
    other = Desk()
    refused(try_in(other, key.get(options(other))), other)


def test_nobody_reads_or_removes_anothers(key: SoftKey, database: Database, account: int) -> None:
    colleague(database)
    [(row,)] = database.as_superuser("select id from console_securitykey")
    [(other,)] = database.as_superuser("select id from users_user where email = %s", [OTHER])
    desk = Desk(Client())
    assert desk.try_in(email=OTHER).status_code == 302
    assert desk.post(f"/admin/keys/{row}/remove/").status_code == 404
    assert "Blue key" not in desk.get("/admin/keys/").content.decode()
    with actor(other):
        assert SecurityKey.objects.count() == 0
        assert SecurityKey.objects.update(sign_count=0) == 0
    with actor(account):
        assert SecurityKey.objects.count() == 1
    changes = ("set public_key = ''", "set user_id = 1", "set credential_id = ''")
    for write in ("delete from console_securitykey", *(f"update console_securitykey {change}" for change in changes)):
        with pytest.raises(DatabaseError, match="permission denied"), actor(account), connection.cursor() as cursor:
            cursor.execute(write)


def test_a_renewed_account_has_no_keys(key: SoftKey, staff_site: Database) -> None:
    with staff_site.role("worker"):
        services.create_staff(email=EMAIL, password=PASSWORD, renew=True)
    desk = Desk()
    refused(try_in(desk, key.get(options(desk))), desk)


def test_pages_offer_a_key_at_its_address_and_the_code_anywhere(outside: Desk) -> None:
    there = outside.client.get("/admin/login/", HTTP_HOST="localhost:8003").content.decode()
    assert 'data-key-options="/admin/login/key/"' in there
    elsewhere = outside.client.get("/admin/login/", HTTP_HOST="127.0.0.1:8003").content.decode()
    assert "data-key-options" not in elsewhere
    assert f"{ORIGIN}/admin/login/" in elsewhere
    for page in (there, elsewhere):
        assert 'name="code"' in page
        assert "<script>" not in page


def test_a_local_run_has_its_keys_under_localhost() -> None:
    from paya import settings

    assert settings.STAFF_URL.startswith("http://127.0.0.1:")
    assert settings.STAFF_URL.replace("127.0.0.1", "localhost") == settings.STAFF_ORIGIN
