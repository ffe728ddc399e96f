"""Letting people in from the site: by a link that is good once, never oneself, and nothing upwards."""

import re
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django_otp.oath import totp

from console import joining, services
from core import staff
from core.actor import SYSTEM, actor
from core.errors import Conflict, Forbidden, NotFound, Unauthenticated
from tests.conftest import Database
from tests.console.conftest import PASSWORD, SECRET, Desk

NEW, REASON, CHOSEN = "new@staff.example", "the first of the month, HR-12", "a plain long sentence"


def shown(answer: Any) -> str:
    found = re.search(r'name="shown" value="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def do(desk: Desk, address: str, **form: Any) -> Any:
    """Ask, look at what it will do, do it."""
    first = desk.post(address, reason=REASON, **form)
    assert "This is what it will do" in first.content.decode()
    return desk.post(address, reason=REASON, shown=shown(first), **form)


def link_in(answer: Any) -> str:
    found = re.search(r"/admin/join/[\w-]+/", answer.content.decode())
    assert found, answer.content.decode()
    return found[0]


def add(desk: Desk, email: str = NEW, roles: tuple[str, ...] = ("support",)) -> str:
    return link_in(do(desk, "/admin/console/member/do/add/", email=email, roles=roles))


def enrol(link: str, password: str = CHOSEN, again: str | None = CHOSEN, **lies: Any) -> tuple[Desk, Any]:
    """As whoever opens the link: scan what is shown, and type what the app says."""
    desk = Desk(Client())
    page = desk.get(link)
    secret = joining.signing.loads(shown(page), salt=f"console.join:{link.split('/')[3]}")
    form = {"password": password, "code": f"{totp(bytes.fromhex(secret)):06d}", "shown": shown(page)}
    return desk, desk.post(link, **(form | ({"again": again} if again is not None else {}) | lies))


def public_id(database: Database, email: str) -> str:
    return str(database.as_superuser("select public_id from users_user where email = %s", [email])[0][0])


def test_somebody_is_added_and_comes_in_by_their_link(desk: Desk, database: Database) -> None:
    link = add(desk, roles=("support", "auditor"))
    assert "waits for their link" in desk.get("/admin/console/member/").content.decode()
    fresh, answer = enrol(link)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert fresh.is_in
    assert fresh.get("/admin/console/trailentry/").status_code == 200  # as an auditor
    assert fresh.get("/admin/console/member/do/add/").status_code == 403
    for kept in (link.split("/")[3], CHOSEN):  # neither is anywhere
        assert kept not in str(database.as_superuser("select * from console_trail, console_invitation, users_user"))
    page = f"/admin/console/member/{public_id(database, NEW)}/change/"
    assert "password, authenticator" in re.sub(r"\s+", " ", desk.get(page).content.decode())
    rows = database.as_superuser("select action, kind, what from console_trail order by id")
    assert ("staff.add", "change", "console_invitation") in rows
    assert ("staff.join", "change", "console_authenticator") in rows


def test_a_link_is_good_once_and_for_a_day(desk: Desk, database: Database) -> None:
    link = add(desk)
    assert Desk(Client()).get(link).status_code == 200  # looking uses nothing up
    enrol(link)
    gone = Desk(Client()).get(link)
    assert (gone.status_code, services.LINK_IS_GONE in gone.content.decode()) == (404, True)
    other = add(desk, "late@staff.example")
    database.as_superuser("update console_invitation set expires_at = clock_timestamp()")
    assert Desk(Client()).get(other).status_code == 404
    assert "link has ended" in desk.get("/admin/console/member/").content.decode()
    assert Desk(Client()).get("/admin/join/no-such-link/").status_code == 404


@pytest.mark.parametrize(
    ("lies", "said"),
    [
        ({"code": "000000"}, "Password or code is not right."),
        ({"password": "short", "again": "short"}, "too short"),
        ({"password": "password1234", "again": "password1234"}, "too common"),
        ({"again": "another long sentence"}, "This is not the same."),
        ({"shown": "tampered"}, "open for too long"),
    ],
)
def test_what_is_wrong_is_said_and_enrols_nothing(desk: Desk, database: Database, lies: dict[str, str], said: str) -> None:
    link = add(desk)
    fresh, answer = enrol(link, **lies)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not fresh.is_in
    assert database.as_superuser("select count(*) from console_authenticator") == [(1,)]
    assert enrol(link)[0].is_in


def test_a_secret_of_another_link_is_not_taken(desk: Desk) -> None:
    mine, theirs = add(desk), add(desk, "two@staff.example")
    fresh, answer = enrol(mine, shown=shown(Desk(Client()).get(theirs)))
    assert answer.status_code == 400
    assert not fresh.is_in


def test_whoever_is_logged_in_does_not_join_as_somebody_else(desk: Desk) -> None:
    assert desk.get(add(desk)).status_code == 409


def test_a_reset_ends_what_there_was_and_takes_the_password(desk: Desk, database: Database, staff_site: Database) -> None:
    with database.role("worker"):
        services.create_staff(email=NEW, roles=["support"], password=PASSWORD, secret=SECRET)
    there = Desk(Client())
    there.try_in(email=NEW)
    assert there.is_in
    database.as_superuser(
        "insert into console_securitykey (user_id, name, confirmed, credential_id, public_key, sign_count)"
        " values (%s, 'Blue', true, 'c', 'k', 0)",
        [me(database, NEW)],
    )
    address = f"/admin/console/member/{public_id(database, NEW)}/do/reset/"
    assert "The authenticator and 1 security key of new@staff.example" in desk.post(address, reason=REASON).content.decode()
    link = link_in(do(desk, address))
    assert not there.is_in
    assert database.as_superuser("select count(*) from console_securitykey") == [(0,)]
    assert there.try_in(email=NEW).status_code == 200  # not with the old one
    # Whoever has the link alone, as who made it has, does not come in; nor do they set a password.
    assert enrol(link, CHOSEN, None)[1].status_code == 400
    digest = services._digest(link.split("/")[3])
    with pytest.raises(Conflict, match="not good any more"):
        staff.call("console_join", [digest, b"", 1, "md5$x$x", REASON], staff_id=me(database, NEW))
    fresh, answer = enrol(link, PASSWORD, None)
    assert answer.status_code == 302
    assert fresh.is_in
    with database.role("worker"), actor(SYSTEM):
        assert database.as_superuser("select count(*) from core_datakey where user_id = %s", [me(database, NEW)]) == [(1,)]


def test_guessing_the_password_of_a_link_has_the_budget_of_logging_in(desk: Desk, database: Database) -> None:
    with database.role("worker"):
        services.create_staff(email=NEW, roles=["support"], password=PASSWORD, secret=SECRET)
    link = link_in(do(desk, f"/admin/console/member/{public_id(database, NEW)}/do/reset/"))
    for _ in range(services.TRIES_FROM_ONE):
        assert "Password or code is not right." in enrol(link, "a wrong one", None)[1].content.decode()
    assert "Too many wrong tries" in enrol(link, PASSWORD, None)[1].content.decode()


def test_the_form_of_roles_begins_with_those_that_they_have(desk: Desk, database: Database) -> None:
    add(desk, roles=("support", "auditor"))
    page = desk.get(f"/admin/console/member/{public_id(database, NEW)}/do/roles/").content.decode()
    assert set(re.findall(r'value="(\w+)"[^>]*checked', page)) == {"support", "auditor"}


def test_who_is_deactivated_or_renewed_has_no_link(desk: Desk, database: Database, account: int) -> None:
    link = add(desk)
    services.set_active(member=public_id(database, NEW), active=False, staff_id=account, reason=REASON)
    assert Desk(Client()).get(link).status_code == 404
    with pytest.raises(Conflict, match="let them in again first"):
        services.reset_member(member=public_id(database, NEW), staff_id=account, reason=REASON)
    services.set_active(member=public_id(database, NEW), active=True, staff_id=account, reason=REASON)
    assert Desk(Client()).get(link).status_code == 404
    again = services.reset_member(member=public_id(database, NEW), staff_id=account, reason=REASON)
    with database.role("worker"):
        services.create_staff(email=NEW, password=PASSWORD, secret=SECRET, renew=True)
    assert Desk(Client()).get(f"/admin/join/{again}/").status_code == 404


def test_two_who_use_one_link_at_once(desk: Desk, database: Database, monkeypatch: Any) -> None:
    """The row of the link is taken once: the second of them has looked at it before, and finds it gone."""
    token = add(desk).split("/")[3]
    found = services.invited(token)
    assert found
    given = {"token": token, "password": CHOSEN, "secret": SECRET, "code": f"{totp(SECRET):06d}", "address": "203.0.113.1"}
    services.join(**given)
    monkeypatch.setattr(services, "invited", lambda _: found)
    with pytest.raises(Conflict, match="not good any more"):
        services.join(**given)


def me(database: Database, email: str) -> int:
    return int(database.as_superuser("select id from users_user where email = %s", [email])[0][0])


def test_nobody_does_it_to_themself_or_upwards(desk: Desk, database: Database, account: int) -> None:
    """`account` lets B in, B lets C in. Neither gives anything to whoever is above; what they take away is another thing."""
    ada = public_id(database, "ada@staff.example")
    b = add(desk, "b@staff.example", ("administrator",))
    enrol(b)
    services.add_member(email="c@staff.example", roles=["administrator"], staff_id=me(database, "b@staff.example"), reason=REASON)
    with pytest.raises(Conflict, match="to themself"):
        services.reset_member(member=ada, staff_id=account, reason=REASON)
    database.as_superuser("delete from console_staffrole where user_id = %s and role = 'finance'", [account])
    for who in ("b@staff.example", "c@staff.example"):
        below = me(database, who)
        with pytest.raises(Conflict, match="let you in"):
            services.set_roles(member=ada, roles=["finance"], staff_id=below, reason=REASON)
        with pytest.raises(Conflict, match="let you in"):
            services.reset_member(member=ada, staff_id=below, reason=REASON)
        services.set_active(member=ada, active=False, staff_id=below, reason=REASON)
        with pytest.raises(Conflict, match="let you in"):
            services.set_active(member=ada, active=True, staff_id=below, reason=REASON)
        database.as_superuser("update users_user set is_active = true where id = %s", [account])
    services.set_roles(member=ada, roles=["auditor"], staff_id=me(database, "c@staff.example"), reason=REASON)  # taken away
    with pytest.raises(NotFound):
        services.reset_member(member="usr_nobody", staff_id=me(database, "b@staff.example"), reason=REASON)


def test_the_database_lets_nobody_in_by_another_way(desk: Desk, database: Database, account: int) -> None:
    with database.role("worker"):
        services.create_staff(email=NEW, roles=["support"], password=PASSWORD, secret=SECRET)
    other = me(database, NEW)
    with pytest.raises(Forbidden):
        services.add_member(email="x@staff.example", roles=["support"], staff_id=other, reason=REASON)
    with pytest.raises(Forbidden):
        services.reset_member(member=public_id(database, "ada@staff.example"), staff_id=other, reason=REASON)
    with pytest.raises(Conflict, match="already"):
        services.add_member(email=NEW, roles=["support"], staff_id=account, reason=REASON)
    for roles in ([], ["god"]):
        with pytest.raises(Conflict, match="no such role"):
            staff.call("console_add_member", ["usr_x", "x@staff.example", roles, b"x", REASON], staff_id=account)
    for sql in (
        "insert into console_invitation values (%s, 'x', %s, now())",
        "delete from console_invitation where user_id in (%s, %s)",
        "insert into console_authenticator (user_id, name, confirmed, secret, last_step) values (%s, 'x', true, 'x', %s)",
        "update users_user set password = 'x' where id in (%s, %s)",
        "insert into core_datakey (user_id, master_id, wrapped) values (%s + %s, 'x', 'x')",
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match="denied|row-level security"), actor(other), connection.cursor() as cursor:
            cursor.execute(sql, [other, other])


def test_wrong_codes_are_no_way_in(desk: Desk) -> None:
    token = add(desk).split("/")[3]
    for code in ("", "12345", "１２３４５６", f"{totp(SECRET, drift=7):06d}"):
        with pytest.raises(Unauthenticated):
            services.join(token=token, password=CHOSEN, secret=SECRET, code=code, address=f"203.0.113.{len(code)}")


@pytest.mark.parametrize("address", ["/admin/console/member/do/add/", "/admin/console/member/{}/do/reset/"])
def test_it_takes_a_fresh_code(desk: Desk, database: Database, address: str, monkeypatch: Any, settings: Any) -> None:
    from console.admin import actions as asked

    with database.role("worker"):
        services.create_staff(email=NEW, roles=["support"], password=PASSWORD, secret=SECRET)
    real, address = asked.time.time, address.format(public_id(database, NEW))
    assert desk.get(address).status_code == 200
    monkeypatch.setattr(asked.time, "time", lambda: real() + settings.STAFF_FRESH_SECONDS + 31)
    assert desk.get(address)["Location"].startswith("/admin/again/")
