"""What the catalogue says: which tables are protected, who owns what, who may call and write what."""

import re

import psycopg2
import pytest

from tests.conftest import Database

APPLICATION = ["web", "worker", "staff", "auditor", "demo"]

# Tables without row policies, and why that is right. A new table is protected, or stands here with its reason.
WITHOUT_POLICIES = {
    "auth_group": "names of staff roles",
    "auth_group_permissions": "what staff roles may do",
    "auth_permission": "Django's list of permissions",
    "banking_legalmove": "which status may follow which",
    "banking_railchoice": "which rail serves new transfers, and who of the staff chose it",
    "compliance_limit": "limits, which everybody may see",
    "compliance_scoreversion": "weights of scores, nobody's; web reads them to score a movement",
    "core_keyrotation": "how far the master key's rotation is",
    "compliance_casekind": "what kinds of cases there are",
    "compliance_disputestep": "which state of a dispute may follow which",
    "compliance_holiday": "days on which banks are closed",
    "compliance_flagcursor": "how far the journal was looked at",
    "compliance_flagrule": "the rules of flags",
    "compliance_sanctionsentry": "a list that everybody may read",
    "compliance_sanctionsrun": "how far a list was compared",
    "compliance_sanctionssetting": "from what score on a name is looked at",
    "console_keychallenge": "random bytes of two minutes, nobody's; the staff's process alone",
    "console_logintry": "blind indexes, counted before anybody is known; the staff's process alone",
    "console_permission": "what staff roles may do",
    "console_staffsession": "looked up by a secret key before anybody is known; the staff's process alone",
    "core_outbox": "ids only",
    "core_outboxhead": "two positions",
    "core_systemkey": "wrapped keys of classes, nobody's",
    "django_content_type": "names of models",
    "django_migrations": "names of migrations",
    "django_session": "looked up by a secret key before anybody is known",
    "ledger_account": "reached through functions only",
    "ledger_accountkind": "the chart",
    "ledger_block": "hashes of what was posted",
    "ledger_systemaccount": "the chart",
    "ledger_transfer": "reached through functions only",
    "ledger_transferkind": "the chart",
    "transparency_cohort": "numbers of people",
    "transparency_day": "figures of the network, nobody's",
    "transparency_dueday": "days",
    "transparency_export": "positions",
    "transparency_health": "figures of the service",
    "transparency_healthday": "figures of the service",
    "privacy_retention": "how long things are kept",
    "privacy_retentionrun": "when a job ran",
    "rewards_estimate": "figures of the running week, nobody's",
    "rewards_run": "figures of closed weeks, nobody's: everybody may see them",
    "rewards_setting": "the rules of the rewards, which everybody may see",
}
BEAT = "django_celery_beat_"

PERSONAL_COLUMN = (
    r"(^|_)(user|payer|payee|staff|person|owner|actor|holder|member|recipient|sender)(_id)?$"
    r"|phone|email|(^|_)name$|username|birth|address|ssn|tax|(^|_)note$|cipher|token|account_number|mask"
)
UNPROTECTED = """
    select c.relname from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))
"""


def unprotected(database: Database) -> set[str]:
    return {row[0] for row in database.as_superuser(UNPROTECTED)}


def personal_and_unprotected(database: Database) -> set[str]:
    rows = database.as_superuser(
        f"select u.relname, a.attname from ({UNPROTECTED}) u join pg_attribute a on a.attrelid = u.relname::regclass"
        " where a.attnum > 0 and not a.attisdropped and a.attname ~ %s",
        [PERSONAL_COLUMN],
    )
    # The names of kinds, permissions, migrations and tasks are nobody's; a blind index tells nothing without its key.
    return {
        table
        for table, column in rows
        if not table.startswith(BEAT)
        and not (table in WITHOUT_POLICIES and (column in ("name", "codename") or column.endswith("_index")))
    }


def test_every_table_is_protected_or_named_with_its_reason(database: Database):
    found = {name for name in unprotected(database) if not name.startswith(BEAT)}
    assert found - WITHOUT_POLICIES.keys() == set()
    assert {"users_user", "wallets_wallet", "payments_payment", "core_datakey", "core_idempotency"}.isdisjoint(found)


def test_no_table_with_a_persons_column_is_unprotected(database: Database):
    assert personal_and_unprotected(database) == set()


@pytest.mark.parametrize(
    ("half", "columns"),
    [
        ("", "user_id bigint"),
        ("", "payer_id bigint"),
        ("", "staff_id bigint"),
        ("", "phone text"),
        ("", "display_name text"),
        ("alter table control enable row level security; create policy p on control using (true)", "user_id bigint"),
        ("alter table control enable row level security; alter table control force row level security", "user_id bigint"),
        ("alter table control force row level security; create policy p on control using (true)", "user_id bigint"),
    ],
)
def test_the_two_tests_above_would_notice(database: Database, half: str, columns: str):
    database.as_superuser(f"create table control ({columns}); {half}")
    try:
        assert personal_and_unprotected(database) == {"control"}
        assert "control" in unprotected(database)
    finally:
        database.as_superuser("drop table control")


def test_only_what_is_public_has_a_policy_for_everybody(database: Database):
    """`USING (true)` is for the engine's checked functions, the auditor's reading, public profiles and the feed."""
    rows = database.as_superuser(
        "select c.relname, p.polname, r.rolname from pg_policy p join pg_class c on c.oid = p.polrelid"
        " cross join unnest(p.polroles) role left join pg_roles r on r.oid = role"
        " where pg_get_expr(p.polqual, p.polrelid) = 'true' and coalesce(r.rolname, '') not in ('paya_engine', 'paya_auditor')"
    )
    assert {row[0] for row in rows} <= {"payments_feeditem", "users_profile", "payments_staffview"}
    assert all(role == "paya_staff" for table, _, role in rows if table == "payments_staffview")


# What makes a row somebody's own, where it is not its user_id.
OWN = {"users_user": "id = me AND kind = 'person'", "payments_payment": "payer_id = me OR payee_id = me"}


def conditions(database: Database) -> list[tuple[str, str, set[str]]]:
    """(table, role, conditions) of each policy that binds web or worker and is no plain yes or no."""
    rows = database.as_superuser(
        "select c.relname, coalesce(r.rolname, 'everybody'), pg_get_expr(p.polqual, p.polrelid),"
        " pg_get_expr(p.polwithcheck, p.polrelid) from pg_policy p join pg_class c on c.oid = p.polrelid"
        " cross join unnest(p.polroles) role left join pg_roles r on r.oid = role"
        " where coalesce(r.rolname, 'everybody') in ('paya_web', 'paya_worker', 'paya_demo', 'everybody')"
    )

    def plain(text: str) -> str:
        return re.sub(r"::text|[()]", "", text.replace("( SELECT core_actor() AS core_actor)", "me"))

    return [(table, role, {plain(one) for one in both if one not in (None, "true", "false")}) for table, role, *both in rows]


def not_ones_own(database: Database) -> set[str]:
    wrong = set()
    for table, role, found in conditions(database):
        own = OWN.get(table, "user_id = me")
        allowed = {"paya_web": {own}, "paya_worker": {own, "me = 0", f"me = 0 OR {own}"}}.get(role, set())
        wrong |= {table} if found - allowed else set()
    return wrong


def test_every_policy_shows_a_person_their_own_rows_and_no_others(database: Database):
    assert not_ones_own(database) == set()
    of_web = {table for table, role, found in conditions(database) if role == "paya_web" and found}
    assert {"banking_bankaccount", "core_datakey", "payments_payment", "users_refreshtoken", "wallets_wallet"} <= of_web


@pytest.mark.parametrize(
    "using", ["core_actor() > 0", "user_id = core_actor() or core_actor() > 0", "user_id <> (select core_actor())"]
)
@pytest.mark.parametrize("role", ["to paya_web", "to paya_worker", ""])
def test_the_test_above_would_notice(database: Database, using: str, role: str):
    database.as_superuser(f"create policy control on banking_bankaccount {role} using ({using})")
    try:
        assert not_ones_own(database) == {"banking_bankaccount"}
    finally:
        database.as_superuser("drop policy control on banking_bankaccount")


# --------------------------------------------------------------------------------------------------------- roles
def test_no_login_is_more_than_it_must_be(database: Database):
    rows = database.as_superuser(
        "select rolname, rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication"
        " from pg_roles where rolname ~ '^paya_' and rolname <> 'paya_admin'"  # the cluster's own superuser, nobody's login
    )
    assert {f"paya_test_{role}" for role in [*APPLICATION, "owner"]} <= {row[0] for row in rows}
    assert [row[0] for row in rows if row[1]] == []


def test_no_application_role_owns_anything(database: Database):
    owned = database.as_superuser(
        "select c.relname, r.rolname from pg_class c join pg_roles r on r.oid = c.relowner"
        " where c.relnamespace = 'public'::regnamespace and r.rolname <> 'paya_owner'"
        " and not (c.relkind = 'v' and r.rolname = 'paya_engine')"  # they ask who is looking: see below
        " union all select p.proname, r.rolname from pg_proc p join pg_roles r on r.oid = p.proowner"
        " where p.pronamespace = 'public'::regnamespace and r.rolname not in ('paya_owner', 'paya_engine')"
    )
    assert owned == []


def test_the_owner_and_the_engine_cannot_log_in(database: Database):
    rows = database.as_superuser(
        "select rolname from pg_roles where rolcanlogin and rolname in"
        " ('paya_owner', 'paya_engine', 'paya_web', 'paya_worker', 'paya_staff', 'paya_auditor', 'paya_demo')"
    )
    assert rows == []


def test_nobody_is_a_member_of_somebody_elses_group(database: Database):
    rows = database.as_superuser(
        "select m.rolname, g.rolname from pg_auth_members a join pg_roles m on m.oid = a.member"
        " join pg_roles g on g.oid = a.roleid where g.rolname ~ '^paya_'"
    )
    allowed = {("paya_owner", "paya_engine"), *(("paya_demo", f"paya_{role}") for role in ("web", "worker", "staff"))}
    allowed |= {(f"paya_test_{role}", f"paya_{role}") for role in [*APPLICATION, "owner"]}
    assert {row for row in rows if row[0].startswith(("paya_test_", "paya_owner", "paya_demo", "paya_engine"))} <= allowed


@pytest.mark.parametrize("role", APPLICATION)
def test_no_application_role_makes_tables(database: Database, role: str):
    raw = database.connect(role)
    try:
        with raw.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = off")
            for statement in ("create table mine (x int)", "create temp table mine (x int)", "set role paya_owner"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(statement)
    finally:
        raw.close()


# ------------------------------------------------------------------------------------------------------ functions
# Who may call what of the money; PUBLIC's functions left aside. A new function is nobody's until it stands here.
MAY_CALL = {
    "web": {
        "ledger_figures",
        "wallets_open", "wallets_read", "wallets_guard", "wallets_add_pending", "wallets_burn", "wallets_activity",
        "wallets_balance_at", "wallets_balance_after",
        "payments_begin", "payments_finish", "payments_make_private", "payments_cancel_held",
        "payments_may_be_paid",
    },
    "staff": {"ledger_figures", "ledger_trial_balance", "ledger_logical", "payments_view_as_staff",
              "payments_release_held", "payments_deny_held"},
    "auditor": {"ledger_figures", "ledger_trial_balance", "ledger_logical"},
}  # fmt: skip
FUNCTIONS = "select p.oid, p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace"
MONEY = ("ledger_", "wallets_", "payments_")


def callable_by(database: Database, role: str) -> set[str]:
    rows = database.as_superuser(f"select proname from ({FUNCTIONS}) f where has_function_privilege(%s, oid, 'execute')", [role])
    return {row[0] for row in rows}


@pytest.mark.parametrize("role", MAY_CALL)
def test_who_may_call_what_of_the_money(database: Database, role: str):
    assert {name for name in callable_by(database, f"paya_test_{role}") if name.startswith(MONEY)} == MAY_CALL[role]


def test_no_function_of_the_money_is_everybodys(database: Database):
    rows = database.as_superuser(
        f"select f.proname from ({FUNCTIONS}) f join pg_proc p using (oid)"
        " where p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0)"
    )
    everybodys = {row[0] for row in rows}
    assert {name for name in everybodys if name.startswith(MONEY)} == set()
    # Triggers, and helpers that run with the caller's own rights and so give nobody anything.
    definers = {row[0] for row in database.as_superuser("select proname from pg_proc where prosecdef")}
    assert everybodys & definers <= {"core_outbox_drained", "banking_check_move"}


@pytest.mark.parametrize("role", ["staff", "auditor"])
def test_staff_and_auditor_call_nothing_of_people_and_banks(database: Database, role: str):
    name = f"paya_test_{role}"
    mine = {found for found in callable_by(database, name) if found.startswith(("users_", "banking_"))}
    triggers = {row[0] for row in database.as_superuser("select proname from pg_proc where prorettype = 'trigger'::regtype")}
    recorded = {row[0] for row in database.as_superuser("select proname from pg_proc where prosrc ~ 'PERFORM console_acted\\('")}
    of_staff = recorded | {"banking_last_reconciliation", "banking_nacha_unanswered"}  # what is published anyway
    of_staff |= {"banking_nacha_reversible"}  # of an entry that whoever asks has already
    assert mine - triggers <= (of_staff if role == "staff" else set())


MUST_NOT = [
    "select ledger_post(gen_random_uuid(), 1::smallint, 1, 1000, 100)",
    "select ledger_post_many('{}', '{}', '{}', '{}', '{}')",
    "select ledger_reverse(gen_random_uuid(), gen_random_uuid())",
    "select ledger_settle_load(gen_random_uuid(), gen_random_uuid(), 1, 1000, 1002, 100, null)",
    "select ledger_return_load(gen_random_uuid(), gen_random_uuid(), 1, 1000, 1002, 100, null)",
    "select ledger_open('{1}')",
    "select ledger_set_status(1000, 0::smallint)",
    "select wallets_mint(1, gen_random_uuid(), gen_random_uuid(), 1, 100, null)",
    "select wallets_claw_back(1, gen_random_uuid(), gen_random_uuid(), 1, 100, null)",
    "select wallets_set_frozen(1, 0::smallint, '')",
    "select payments_publish('{}', '{}')",
    "select payments_unpublish('{}', '{}')",
]


@pytest.mark.parametrize("role", ["web", "staff", "auditor"])
@pytest.mark.parametrize("statement", MUST_NOT, ids=lambda sql: sql.split("(")[0].split()[-1])
def test_money_is_not_made_by_who_may_not(database: Database, role: str, statement: str):
    refused(database, role, statement)


@pytest.mark.parametrize("statement", ["select payments_view_as_staff(1, 'pay_x', 'why')"])
def test_only_staff_look_as_staff(database: Database, statement: str):
    for role in ("web", "worker", "auditor"):
        refused(database, role, statement)


def refused(database: Database, role: str, statement: str) -> None:
    raw = database.connect(role)
    try:
        with raw.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = off; select set_config('paya.actor', '0', false)")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
    finally:
        raw.close()


def test_definer_functions_are_pinned(database: Database):
    rows = database.as_superuser(
        "select p.proname, p.proconfig::text, r.rolname from pg_proc p join pg_roles r on r.oid = p.proowner"
        " where p.prosecdef and p.pronamespace = 'public'::regnamespace"
    )
    assert len(rows) > 30
    # Temporary tables last: a caller who could make one must not put it in the place of ours.
    assert [name for name, config, _ in rows if "search_path=pg_catalog, public, pg_temp" not in (config or "")] == []
    assert {name for name, _, owner in rows if owner != "paya_engine"} <= {
        "core_outbox_drained", "core_outbox_lag", "core_idempotency_rotate", "banking_check_move",
        "transparency_freeze",  # only a table's owner may lock it as a whole
    }  # fmt: skip


def test_views_run_with_the_callers_rights_or_ask_who_is_looking(database: Database):
    rows = database.as_superuser(
        "select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace"
        " and not coalesce(reloptions::text, '') ~ 'security_invoker=true'"
        " and pg_get_viewdef(oid) !~ 'WHERE .*console_is_staff'"
    )
    assert rows == []


# ---------------------------------------------------------------------------------------- the journal and balances
WRITES = [
    "update ledger_transfer set amount = amount + 1",
    "delete from ledger_transfer",
    "truncate ledger_transfer",
    "update ledger_account set balance = balance + 1",
    "update ledger_account set floor = null",
    "delete from ledger_account",
    "truncate ledger_account",
    "update payments_staffview set reason = 'x'",
    "delete from payments_staffview",
    "truncate payments_staffview",
]
INSERTS = [
    "insert into ledger_transfer select gen_random_uuid(), 1000, 1001, 1, 9, 9, 9, 9, now(), null, null, 7",
    "insert into ledger_account (id, balance, kind) values (424242, 100, 1)",
    "update ledger_transferkind set always = true",
    "update ledger_accountkind set floor = null",
    "insert into payments_staffview (staff_id, payment, reason) values (1, 'pay_x', 'x')",
    "update payments_payment set amount = 1",
    "delete from payments_payment",
    "insert into payments_feeditem (position, payment, payer_id, payee_id, note, created_at) values (1, 'x', 1, 2, '', now())",
    "update wallets_wallet set pending_in = 1",
    "update wallets_wallet set frozen = 0",
]


@pytest.fixture(scope="module")
def a_row_of_each(database: Database) -> None:
    """So that a trigger for each row has a row to refuse."""
    database.as_superuser(
        "insert into ledger_transfer select gen_random_uuid(), 70, 101, 1, 1, -1, 1, 1, now(), null, null, 21;"
        "insert into payments_staffview (staff_id, payment, reason) values (1, 'pay_x', 'a reason')"
    )


@pytest.mark.parametrize("role", APPLICATION)
@pytest.mark.parametrize("statement", [*WRITES, *INSERTS])
def test_no_application_role_writes_books_past_the_functions(database: Database, a_row_of_each, role: str, statement: str):
    refused(database, role, statement)


@pytest.mark.parametrize("statement", WRITES)
def test_the_owner_and_even_a_superuser_are_stopped_by_triggers(database: Database, a_row_of_each, statement: str):
    with pytest.raises(psycopg2.Error, match="what was posted stays"):
        database.as_superuser(statement)
    raw = database.connect("owner")
    try:
        with raw.cursor() as cursor, pytest.raises(psycopg2.Error, match="what was posted stays"):
            cursor.execute(statement)
    finally:
        raw.close()


# ------------------------------------------------------------------------------------------------------ given time
@pytest.mark.parametrize("role", APPLICATION)
def test_a_given_time_is_believed_from_the_demo_loader_alone(database: Database, role: str):
    raw = database.connect(role)
    try:
        with raw.cursor() as cursor:
            cursor.execute("select set_config('paya.now', '2020-02-02T00:00:00+00:00', false)")
            cursor.execute("select extract(year from core_now()) = 2020")
            assert cursor.fetchone() == (role == "demo",)
            cursor.execute("select set_config('paya.now', '', false)")
            cursor.execute("select abs(extract(epoch from core_now() - clock_timestamp())) < 5")
            assert cursor.fetchone() == (True,)
    finally:
        raw.close()


# -------------------------------------------------------------------------------------------------- without an actor
def test_without_an_actor_every_personal_table_raises_and_says_why(database: Database):
    """Each table whose policy for web asks for the actor, straight from the catalogue."""
    rows = database.as_superuser(
        "select distinct c.relname from pg_policy p join pg_class c on c.oid = p.polrelid"
        " where pg_get_expr(p.polqual, p.polrelid) ~ 'core_actor' and p.polcmd in ('*', 'r')"
        " and 'paya_web'::regrole = any (p.polroles)"
        " and has_any_column_privilege('paya_test_web', c.oid, 'select')"
    )
    tables = {row[0] for row in rows}
    assert {"users_user", "users_device", "wallets_wallet", "payments_payment", "core_datakey"} <= tables
    raw = database.connect("web")
    try:
        with raw.cursor() as cursor:
            for table in tables:
                for setting in ("select 1", "select set_config('paya.actor', '', false)"):
                    cursor.execute(setting)
                    with pytest.raises(psycopg2.Error, match="no actor: personal rows") as refusal:
                        cursor.execute(f"select count(*) from {table}")
                    assert refusal.value.pgcode == "PY001", table
    finally:
        raw.close()
