"""What the database itself refuses, whatever the code above it does."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core.actor import SYSTEM, actor
from tests.conftest import Database
from tests.users.conftest import new_phone
from users import queries, services
from users.models import Challenge, Device, Profile, RefreshToken, User

TABLES = [
    "users_user", "users_user_groups", "users_user_user_permissions", "users_profile", "users_device",
    "users_refreshtoken", "users_challenge",
]  # fmt: skip


@pytest.fixture
def two(log_in) -> tuple[int, int]:
    """The ids of two people with profiles, devices and tokens."""
    phones = new_phone(), new_phone()
    for phone in phones:
        log_in(phone, username=f"two_{phone[-6:]}")
    first, second = (services.sign_up(phone=phone).id for phone in phones)
    return first, second


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_forced_and_has_a_policy(database: Database, table):
    rows = database.as_superuser(
        "select c.relrowsecurity, c.relforcerowsecurity, count(p.polname) from pg_class c"
        " left join pg_policy p on p.polrelid = c.oid where c.relname = %s group by 1, 2",
        [table],
    )
    assert rows[0][:2] == (True, True)
    assert rows[0][2] > 0


def test_without_an_actor_the_web_role_gets_an_error_that_says_so(two):
    for model in (User, Device, RefreshToken):
        with pytest.raises(DatabaseError, match="no actor"):
            list(model.objects.all())


def test_a_person_sees_their_own_rows_only(two):
    me, other = two
    with actor(me):
        assert set(User.objects.values_list("id", flat=True)) == {me}
        assert set(Device.objects.values_list("user_id", flat=True)) == {me}
        assert set(RefreshToken.objects.values_list("user_id", flat=True)) == {me}
        assert not User.objects.filter(id=other).exists()


def test_everybody_sees_profiles_and_changes_only_their_own(two):
    me, other = two
    assert Profile.objects.filter(user_id__in=two).count() == 2
    with actor(me):
        assert Profile.objects.filter(user_id=other).update(display_name="Not me") == 0
        assert Profile.objects.filter(user_id=me).update(display_name="Me") == 1
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Profile(user_id=999_999, username="somebody_else", display_name="x").save(force_insert=True)


@pytest.mark.parametrize("role", ["web", "staff", "auditor"])
def test_nobody_but_the_worker_reads_challenges(database: Database, phone, role):
    services.request_code(phone=phone, address="")
    with database.role(role), pytest.raises(DatabaseError, match="permission denied"):
        list(Challenge.objects.all())


def test_the_worker_reads_challenges_as_system_only(database: Database, phone):
    services.request_code(phone=phone, address="")
    with database.role("worker"):
        with actor(SYSTEM):
            assert Challenge.objects.exists()
        with actor(1):
            assert not Challenge.objects.exists()


def test_the_web_role_has_no_way_to_be_the_system(two):
    with actor(SYSTEM):
        assert not User.objects.exists()
        assert not Device.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        "is_superuser = true",
        "is_active = false",
        "kind = 'staff'",
        "phone_index = '\\x00'",
        "public_id = 'usr_x'",
        "password = '!'",
    ],
)
def test_the_web_role_changes_nothing_of_a_person_but_the_default_visibility(two, change):
    me, _ = two
    with pytest.raises(DatabaseError, match="permission denied"), actor(me), connection.cursor() as cursor:
        cursor.execute(f"update users_user set {change} where id = %s", [me])


def test_the_web_role_makes_no_staff():
    row = User(id=10_000_000, public_id="usr_mallory", kind="staff", email="mallory@example.com", is_superuser=True)
    with pytest.raises(DatabaseError, match="row-level security"), actor(row.id):
        row.save(force_insert=True)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("is_superuser", True),
        ("phone_index", None),
        ("phone_cipher", None),
        ("email", "ann@example.com"),
        ("password", "pbkdf2$x"),
    ],
)
def test_a_person_has_a_phone_and_no_password(column, value):
    values = {"password": "!x", "phone_index": b"i", "phone_cipher": b"c", column: value}
    row = User(id=10_000_001, public_id="usr_half", kind="person", **values)
    with pytest.raises(IntegrityError, match="person_or_staff"), actor(row.id):
        row.save(force_insert=True)


def test_a_username_never_changes(two, database: Database):
    me, other = two
    with pytest.raises(DatabaseError, match="permission denied"), actor(me):
        Profile.objects.filter(user_id=me).update(username="changed")
    with pytest.raises(Exception, match="set once"):
        database.as_superuser("update users_profile set username = 'changed' where user_id = %s", [me])
    assert queries.profiles_by_ids(user_ids=[me])[me].username != "changed"


@pytest.mark.parametrize("username", ["Upper", "ab", "a" * 21, "dash-ed", "new\nline"])
def test_the_database_too_knows_what_a_username_is(database: Database, phone, username):
    user_id = services.sign_up(phone=phone).id
    with pytest.raises((IntegrityError, DatabaseError)), actor(user_id):
        Profile(user_id=user_id, username=username, display_name="x").save(force_insert=True)


def test_functions_are_the_engines_pinned_and_not_everybodys(database: Database):
    rows = database.as_superuser(
        "select p.proname, r.rolname, p.proconfig::text, has_function_privilege('paya_staff', p.oid, 'execute')"
        " from pg_proc p join pg_roles r on r.oid = p.proowner where p.proname like 'users\\_%' and p.prosecdef"
    )
    assert len(rows) >= 7
    for name, owner, config, staff_may in rows:
        assert owner == "paya_engine", name
        assert "search_path=pg_catalog, public, pg_temp" in config, name
        assert not staff_may, name


def test_phones_are_stored_sealed(database: Database, log_in, phone):
    log_in(phone)
    dump = str([database.as_superuser(f"select t::text from {table} t") for table in [*TABLES, "core_outbox", "django_session"]])
    assert phone[1:] not in dump
    assert phone[2:] not in dump
    assert phone.encode().hex() not in dump
