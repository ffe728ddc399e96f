"""Getting in: all three of e-mail, password and code, not too often, and nobody but staff."""

import threading
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client, override_settings

from console import services
from console.models import StaffSession
from console.sessions import SessionStore
from core.errors import Conflict, NotFound, Unauthenticated
from core.sessions import stored_key
from tests.conftest import Database
from tests.console.conftest import EMAIL, PASSWORD, SECRET, Desk, code


def test_with_all_three_one_is_in_and_out_again(outside: Desk):
    assert outside.get("/admin/").status_code == 302
    assert outside.try_in().status_code == 302
    assert outside.is_in
    assert outside.post("/admin/logout/").status_code == 200
    assert not outside.is_in


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": ""}, {"token": "000000"}, {"token": "not-it"}, {"token": "１２３４５６"}, {"password": "wrong"},
        {"email": "nobody@staff.example"}, {"steps": 5}, {"steps": -5},
    ],
)  # fmt: skip
def test_anything_wrong_is_refused_in_the_same_words(outside: Desk, wrong):
    if "steps" in wrong:  # a code of another time than now: than when this runs, and not when it was collected
        wrong = {"token": code(wrong["steps"])}
    answer = outside.try_in(**wrong)
    assert answer.status_code == 200
    assert not outside.is_in
    if wrong.get("token") != "":
        assert "E-mail, password or code is not right." in answer.content.decode()


def test_a_code_is_good_once(outside: Desk):
    used = code()
    assert outside.try_in(token=used).status_code == 302
    again = Desk()
    assert again.try_in(token=used).status_code == 200
    assert not again.is_in
    assert again.try_in(token=code(1)).status_code == 302


def test_five_wrong_tries_and_the_right_one_has_to_wait(outside: Desk, staff_site: Database):
    for _ in range(services.TRIES_FROM_ONE):
        outside.try_in(token="000000")
    answer = outside.try_in()
    assert "Too many wrong tries. Please wait 15 minutes." in answer.content.decode()
    assert not outside.is_in
    staff_site.as_superuser("update console_logintry set at = at - interval '16 minutes'")
    assert outside.try_in().status_code == 302


def test_an_address_has_a_budget_over_all_emails(outside: Desk):
    for n in range(services.TRIES_PER_ADDRESS):
        outside.try_in(email=f"x{n}@staff.example", REMOTE_ADDR="203.0.113.9") if n < 3 else _try(f"x{n}@staff.example")
    assert "Too many wrong tries" in outside.try_in(email="y@staff.example", REMOTE_ADDR="203.0.113.9").content.decode()
    assert outside.try_in(REMOTE_ADDR="203.0.113.10").status_code == 302


def _try(email: str) -> None:
    """What a wrong try leaves behind, without hashing a password."""
    services._count_log_in(email, "203.0.113.9")


def test_whoever_only_knows_an_e_mail_locks_its_owner_out_nowhere_else(outside: Desk):
    """Five from one address are that address's; from many addresses it is more, and then everybody waits."""
    for _ in range(services.TRIES_FROM_ONE):
        services._count_log_in(EMAIL, "203.0.113.9")
    assert "Too many wrong tries" in outside.try_in(REMOTE_ADDR="203.0.113.9").content.decode()
    elsewhere = Desk()
    assert elsewhere.try_in(REMOTE_ADDR="203.0.113.10").status_code == 302
    for n in range(services.TRIES_PER_EMAIL - services.TRIES_FROM_ONE):
        services._count_log_in(EMAIL, f"198.51.100.{n}")
    assert "Too many wrong tries" in Desk().try_in(token=code(1), REMOTE_ADDR="192.0.2.1").content.decode()


@pytest.mark.parametrize("counted_as_a_log_in", [False, True])
def test_tries_from_outside_keep_nobody_from_proving_again_who_they_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, counted_as_a_log_in: bool
):
    """However many they are, and from the same address. And the control."""
    if counted_as_a_log_in:
        monkeypatch.setattr(services, "_count_again", lambda staff_id, address: services._count_log_in(EMAIL, address))
    for n in range(services.TRIES_PER_EMAIL):
        services._count_log_in(EMAIL, "127.0.0.1" if n < services.TRIES_FROM_ONE else f"198.51.100.{n}")
    assert "Too many wrong tries" in Desk().try_in(token=code(1)).content.decode()
    again = desk.post("/admin/again/", code=code(1), next="/admin/console/correction/")
    if counted_as_a_log_in:
        assert "Too many wrong tries" in again.content.decode()
    else:
        assert (again.status_code, again["Location"]) == (302, "/admin/console/correction/")


def test_proving_again_has_a_budget_of_its_own(desk: Desk):
    """Whoever sits at somebody's open session guesses five codes, from wherever, and logs nobody out of logging in."""
    for n in range(services.TRIES_AGAIN):
        wrong = desk.client.post("/admin/again/", {"code": "000000", "next": "/admin/"}, REMOTE_ADDR=f"198.51.100.{n}")
        assert "This code is not right" in wrong.content.decode()
    assert "Too many wrong tries" in desk.post("/admin/again/", code=code(1), next="/admin/").content.decode()
    assert Desk().try_in(token=code(1)).status_code == 302


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "/\\evil.example", ""])
def test_a_log_in_that_is_to_lead_elsewhere_leads_to_the_site(outside: Desk, to: str):
    answer = outside.client.post(
        f"/admin/login/?{urlencode({'next': to})}", {"username": EMAIL, "password": PASSWORD, "code": code(), "next": to}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_guesses_side_by_side_share_one_budget(outside: Desk, staff_site: Database):
    def guess() -> None:
        try:
            services.log_in(email=EMAIL, password=PASSWORD, code="000000", address="203.0.113.1")
        except Exception:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert staff_site.as_superuser("select count(*) from console_logintry") == [(services.TRIES_FROM_ONE,)]


def test_people_do_not_get_in(staff_site: Database, account: int, make_person):
    with staff_site.role("web"):
        person = make_person("maya")
    with staff_site.role("staff"):
        assert services.staff_by_id(person.id) is None
    client = Client(headers={"Authorization": f"Bearer {person.token}"})
    assert client.get("/admin/").status_code == 302


def test_a_persons_session_opens_nothing_here(desk: Desk, staff_site: Database):
    """Not even one that says all that a session of staff says: it lies in another table."""
    from core.sessions import SessionStore as PeoplesSessions

    said, other = dict(desk.client.session.items()), Desk()
    with staff_site.role("web"):
        theirs = PeoplesSessions()
        theirs.update(said)
        theirs.save()
    other.client.cookies[settings.SESSION_COOKIE_NAME] = theirs.session_key
    assert not other.is_in
    ours = SessionStore()
    ours.update(said)
    ours.save()
    other.client.cookies[settings.SESSION_COOKIE_NAME] = ours.session_key
    assert other.is_in


def test_a_staff_session_is_nobody_on_the_public_site(desk: Desk, staff_site: Database):
    key = desk.client.cookies["paya_staff_" + str(settings.PORT)].value
    assert StaffSession.objects.filter(session_key=stored_key(key)).exists()
    among = "select count(*) from django_session where session_key = any(%s)"
    assert staff_site.as_superuser(among, [[key, stored_key(key)]]) == [(0,)]


def test_cookies_are_apart_short_and_strict(outside: Desk):
    cookie = outside.try_in().cookies[settings.SESSION_COOKIE_NAME]
    assert f"paya_staff_{settings.PORT}" == settings.SESSION_COOKIE_NAME
    assert cookie["path"] == "/admin"
    assert cookie["samesite"] == "Strict"
    assert cookie["httponly"]
    (lasts,) = StaffSession.objects.values_list("expire_date", flat=True)
    from django.utils import timezone

    assert (lasts - timezone.now()).total_seconds() <= 3600


def test_a_closed_account_is_out_at_once(desk: Desk, staff_site: Database, account: int):
    assert desk.is_in
    staff_site.as_superuser("update users_user set is_active = false where id = %s", [account])
    assert not desk.is_in
    assert desk.try_in(token=code(1)).status_code == 200


def test_a_session_without_the_code_opens_nothing(desk: Desk):
    session = desk.client.session
    del session["otp_device_id"]
    session.save()
    assert not desk.is_in


def test_the_public_sites_role_reaches_nothing_of_this(database: Database, account: int):
    for what in (
        "select * from console_staffsession", "select * from console_authenticator", "select * from console_logintry",
        "select * from console_securitykey", "select * from console_keychallenge",
        "select * from console_transfer", "select * from console_payment", "select * from console_person",
        "select * from console_staff('x', null)", "select console_person_by_phone('x')", "select * from django_admin_log",
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
            cursor.execute(what)
    with database.connect("web") as raw, raw.cursor() as cursor:
        cursor.execute("select set_config('paya.actor', %s, false)", [str(account)])
        cursor.execute("select count(*) from users_user")
        assert cursor.fetchone() == (0,)


def test_the_public_site_knows_the_way_and_no_more(database: Database):
    with override_settings(STAFF_URL="http://127.0.0.1:8003"):
        for path in ("/admin", "/admin/", "/admin/login/", "/admin/console/payment/"):
            for answer in (Client().get(path), Client().post(path, {"username": EMAIL, "password": PASSWORD})):
                assert (answer.status_code, answer["Location"]) == (302, "http://127.0.0.1:8003/admin/")
                assert not answer.cookies


# ------------------------------------------------------------------------------------------------------- accounts
def test_one_authenticator_secret_is_sealed(account: int, database: Database):
    rows = database.as_superuser("select t::text from console_authenticator t")
    assert SECRET.hex() not in str(rows)


def test_the_secret_survives_a_rotation_of_data_keys(account: int, database: Database):
    from datetime import timedelta

    from core.keyring.rotation import rotate_data

    before = database.as_superuser("select secret from console_authenticator")
    with database.role("worker"):
        rotate_data(grace=timedelta(0))
    assert database.as_superuser("select secret from console_authenticator") != before
    with database.role("staff"):
        assert services.log_in(email=EMAIL, password=PASSWORD, code=code(), address="").pk == account


def test_a_member_of_staff_is_made_once_and_renewed(database: Database, capsys: pytest.CaptureFixture[str]):
    with database.role("worker"):
        call_command("create_staff", "New@Staff.example")
        out = capsys.readouterr().out
        assert "new@staff.example" in out
        assert "otpauth://totp/PaYa%3Anew%40staff.example?secret=" in out
        with pytest.raises(CommandError, match="already"):
            call_command("create_staff", "new@staff.example")
        with pytest.raises(Conflict):
            services.create_staff(email="new@staff.example")
        with pytest.raises(NotFound):
            services.create_staff(email="other@staff.example", renew=True)
        services.create_staff(email="new@staff.example", password="second", secret=SECRET, renew=True)
    with database.role("staff"):
        assert services.log_in(email="new@staff.example", password="second", code=code(), address="").email == "new@staff.example"
        with pytest.raises(Unauthenticated):
            services.log_in(email="new@staff.example", password="first", code=code(1), address="")


def test_a_renewed_account_loses_its_sessions(desk: Desk, staff_site: Database):
    assert desk.is_in
    with staff_site.role("worker"):
        services.create_staff(email=EMAIL, renew=True)
    assert not desk.is_in
