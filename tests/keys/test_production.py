"""Production refuses what must not run there: real processes with a production environment, right and wrong."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.backends.signals import connection_created

from core import checks
from tests.conftest import Database

ROOT = Path(__file__).resolve().parent.parent.parent
_OURS = ("PAYA_", "DATABASE_URL", "REDIS_URL", "PLAID_", "DWOLLA_", "TWILIO_", "STRIPE_", "AWS_", "DJANGO_")

STARTS = {
    "web": [sys.executable, "-c", "import paya.wsgi; print('started')"],
    "live": [sys.executable, "-c", "import paya.asgi; print('started')"],
    "worker": [
        sys.executable, "-c",
        "from celery import signals\nfrom paya.celery import app\nsignals.worker_init.send(sender=app)\nprint('started')",
    ],
}  # fmt: skip


@pytest.fixture
def production(database: Database, key_file: Path) -> dict[str, str]:
    """An environment that production may start with."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {
        "PAYA_ENV": "production",
        "DATABASE_URL": database.url("web"),
        "REDIS_URL": os.environ["REDIS_URL"],
        "PAYA_SECRET_KEY": secrets.token_urlsafe(48),
        "PAYA_JWT_KEY": secrets.token_hex(32),
        "PAYA_OTP_KEY": secrets.token_hex(32),
        "PAYA_BLIND_KEY": secrets.token_hex(32),
        "PAYA_KEY_FILE": str(key_file),
        "PAYA_PUBLIC_URL": "https://paya.example",
        "PAYA_LIVE_URL": "wss://paya.example",
        "PAYA_ALLOWED_HOSTS": "paya.example",
        "PLAID_CLIENT_ID": secrets.token_hex(12),
        "PLAID_SECRET": secrets.token_hex(15),
        "DWOLLA_KEY": secrets.token_hex(25),
        "DWOLLA_SECRET": secrets.token_hex(25),
        "DWOLLA_WEBHOOK_SECRET": secrets.token_hex(25),
        "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_FROM": "+12025550100",
        "PYTHONPATH": str(ROOT),
    }


def run(command: list[str], env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=ROOT, env=env, text=True, capture_output=True, timeout=120)


def check_deploy(env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return run([sys.executable, "manage.py", "check", "--deploy", "--fail-level", "DEBUG"], env)


@pytest.mark.parametrize("site", ["people", "staff"])
def test_check_deploy_is_clean_with_production_settings(site, production, database):
    login = {"people": "web", "staff": "staff"}[site]
    done = check_deploy(production | {"PAYA_SITE": site, "DATABASE_URL": database.url(login)})
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("process", STARTS)
def test_every_process_starts_with_production_settings(process, production):
    done = run(STARTS[process], production)
    assert done.returncode == 0, done.stderr
    assert "started" in done.stdout


# A request, then the end of its connection as a restart of PostgreSQL ends it, then the next request.
NEXT_REQUEST = """
import django, os, psycopg2; django.setup()
from django.core.signals import request_started
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("select pg_backend_pid()")
    pid = cursor.fetchone()
other = psycopg2.connect(os.environ["DATABASE_URL"])
other.cursor().execute("select pg_terminate_backend(%s, 5000)", pid)
request_started.send(sender=None)
with connection.cursor() as cursor:
    cursor.execute("select 'served'")
    print(*cursor.fetchone())
"""


@pytest.mark.parametrize(("site", "served"), [("staff", True), ("people", False)])
def test_staff_find_no_error_page_after_a_restart_of_the_database(site, served, production, database):
    """The public site, which does not look first, is the control: it answers 503 once for each of its processes."""
    login = {"people": "web", "staff": "staff"}[site]
    env = production | {"PAYA_SITE": site, "DATABASE_URL": database.url(login), "DJANGO_SETTINGS_MODULE": "paya.settings"}
    done = run([sys.executable, "-c", NEXT_REQUEST], env)
    assert ("served" in done.stdout, "OperationalError" in done.stderr) == (served, not served), done.stderr


def wrong_ways(database: Database) -> dict[str, dict[str, str]]:
    return {
        "sandbox": {"PAYA_SANDBOX": "1"},
        "debug": {"PAYA_DEBUG": "1"},
        "default secret": {"PAYA_SECRET_KEY": "django-insecure-" + secrets.token_urlsafe(48)},
        "owner": {"DATABASE_URL": database.url("owner")},
    }


@pytest.mark.parametrize(
    ("process", "wrong"),
    [("web", "sandbox"), ("web", "debug"), ("web", "default secret"), ("web", "owner"), ("live", "owner"), ("worker", "sandbox")],
)
def test_a_process_refuses_to_start_and_says_why(process, wrong, production, database):
    done = run(STARTS[process], production | wrong_ways(database)[wrong])
    assert done.returncode != 0
    assert "started" not in done.stdout
    assert "PaYa does not start like this" in done.stderr


@pytest.fixture
def in_production(settings: Any, key_file: Path) -> Any:
    """The same settings in this process, to turn wrong one by one."""
    settings.PRODUCTION, settings.SANDBOX, settings.DEBUG = True, False, False
    settings.SECRET_KEY = secrets.token_urlsafe(48)
    for name in ("JWT_KEY", "OTP_KEY", "BLIND_KEY"):
        setattr(settings, name, secrets.token_hex(32))
    for name in ("PLAID_SECRET", "DWOLLA_SECRET", "DWOLLA_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN"):
        setattr(settings, name, secrets.token_hex(20))
    for name in ("PLAID", "DWOLLA", "TWILIO"):
        setattr(settings, f"{name}_BASE_URL", "https://vendor.example")
    settings.PUBLIC_URL, settings.LIVE_URL = "https://paya.example", "wss://paya.example"
    settings.PLAID_REDIRECT_URI = "https://hosted.plaid.com/oauth/redirect"
    settings.ALLOWED_HOSTS, settings.STRIPE_SECRET_KEY = ["paya.example"], ""
    return settings


def test_right_settings_have_no_problem(in_production):
    assert list(checks.settings_problems()) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DEBUG", True, "PAYA_DEBUG is on"),
        ("SANDBOX", True, "PAYA_SANDBOX is on"),
        ("SECRET_KEY", "short-" + "q8Zk3v" * 3, "PAYA_SECRET_KEY"),
        ("SECRET_KEY", "django-insecure-" + "q8Zk3vTn1w" * 5, "PAYA_SECRET_KEY"),
        ("SECRET_KEY", "a" * 60, "PAYA_SECRET_KEY"),
        ("JWT_KEY", "00" * 32, "PAYA_JWT_KEY"),
        ("OTP_KEY", "0123456789abcdef", "PAYA_OTP_KEY"),
        ("BLIND_KEY", "not hex at all, but sixty-four characters long, as far as I know", "PAYA_BLIND_KEY"),
        ("DWOLLA_WEBHOOK_SECRET", "", "DWOLLA_WEBHOOK_SECRET"),
        ("TWILIO_AUTH_TOKEN", "sandbox", "TWILIO_AUTH_TOKEN"),
        ("DWOLLA_BASE_URL", "http://127.0.0.1:8002/dwolla", "DWOLLA_BASE_URL"),
        ("PUBLIC_URL", "http://paya.example", "PAYA_PUBLIC_URL"),
        ("LIVE_URL", "ws://paya.example", "PAYA_LIVE_URL"),
        ("ALLOWED_HOSTS", ["*"], "PAYA_ALLOWED_HOSTS"),
        ("KEY_FILE", "/nowhere/keys.json", "PAYA_KEY_FILE"),
    ],
)
def test_each_wrong_setting_is_named_and_nothing_else(in_production, name, value, said):
    setattr(in_production, name, value)
    problems = list(checks.settings_problems())
    assert len(problems) == 1
    assert said in problems[0]
    assert not isinstance(value, str) or not value or value not in problems[0]  # a problem never quotes a secret
    with pytest.raises(ImproperlyConfigured):
        checks.guard_process()


def test_stripe_is_looked_at_where_it_is_set_up(in_production):
    """Its webhooks' secrets, its address, and that its key is no key for tests."""
    in_production.STRIPE_SECRET_KEY, in_production.STRIPE_BASE_URL = "", "http://127.0.0.1:8002/stripe"
    in_production.STRIPE_WEBHOOK_SECRETS = []
    assert list(checks.settings_problems()) == []
    in_production.STRIPE_SECRET_KEY = "sk_test_" + secrets.token_hex(24)
    assert len(list(checks.settings_problems())) == 3
    in_production.STRIPE_SECRET_KEY = "rk_live_" + secrets.token_hex(24)
    in_production.STRIPE_WEBHOOK_SECRETS, in_production.STRIPE_BASE_URL = ["whsec_" + secrets.token_hex(24)], "https://x.example"
    assert list(checks.settings_problems()) == []
    in_production.STRIPE_WEBHOOK_SECRETS = [*in_production.STRIPE_WEBHOOK_SECRETS, ""]
    assert [problem.split()[0] for problem in checks.settings_problems()] == ["STRIPE_WEBHOOK_SECRETS"]


def test_where_banks_send_people_back_to_is_an_address_that_plaid_takes(in_production):
    for name in ("PLAID_REDIRECT_URI", "PLAID_APP_REDIRECT_URI"):
        good = getattr(in_production, name)
        for wrong in ("http://paya.example/banks/oauth", "https://paya.example/banks/oauth?x=1", "paya://banks"):
            setattr(in_production, name, wrong)
            assert [problem.split()[0] for problem in checks.settings_problems()] == [name]
        setattr(in_production, name, good)
    assert list(checks.settings_problems()) == []


def test_a_random_key_is_never_taken_for_a_placeholder(in_production):
    """Chance spells short words: in twenty thousand keys "xxx" stands some forty times."""
    in_production.SECRET_KEY = "q8Zk3vTn1wTeStq8Zk3vxXxn1wq8Zk3vTn1wq8Zk3vTn1wq8Zk3vTn1w"
    assert list(checks.settings_problems()) == []
    for _ in range(20_000):
        assert not checks._PLACEHOLDER.search(secrets.token_urlsafe(48))


def test_one_key_for_two_purposes_is_refused(in_production):
    in_production.OTP_KEY = in_production.JWT_KEY
    assert "the same" in " ".join(checks.settings_problems())


def test_with_kms_no_key_file_is_needed(in_production):
    in_production.KEY_FILE, in_production.KMS_KEY = "", "alias/paya"
    assert list(checks.settings_problems()) == []


def test_a_key_file_that_others_may_read_is_refused(in_production, key_file):
    key_file.chmod(0o644)
    assert "mode 0600" in " ".join(checks.settings_problems())


def test_the_relay_and_beat_refuse_too(production, tmp_path):
    wrong = production | {"PAYA_SANDBOX": "1"}
    for command in (
        ["manage.py", "relay"],
        ["-m", "celery", "-A", "paya", "beat", "--schedule", str(tmp_path / "beat"), "--pidfile="],
    ):
        done = run([sys.executable, *command], wrong)
        assert done.returncode != 0
        assert "PAYA_SANDBOX is on" in done.stderr


@pytest.mark.parametrize("attribute", ["SUPERUSER", "BYPASSRLS"])
@pytest.mark.parametrize("how", ["itself", "by a role that it may become"])
def test_a_login_with_too_many_rights_is_found(attribute, how, in_production, database):
    """The roles of the suite are the cluster's, so this one is made, and dropped, for the test."""
    login, group = f"paya_x_{secrets.token_hex(4)}", f"paya_y_{secrets.token_hex(4)}"
    given = attribute if how == "itself" else ""
    database.as_superuser(f"create role {login} login password 'only-here' {given}")
    database.as_superuser(f"create role {group} nologin {attribute}")
    try:
        database.as_superuser(f'grant connect on database "{database.name}" to {login}')
        database.as_superuser(f"grant paya_web to {login}")
        if not given:
            database.as_superuser(f"grant {group} to {login} with inherit false")
        connection.close()
        connection.settings_dict.update(USER=login, PASSWORD="only-here")
        said = {"SUPERUSER": "superuser", "BYPASSRLS": "bypasses row-level security"}[attribute]
        assert said in " ".join(checks.role_problems())
        assert said in " ".join(problem.msg for problem in checks.check_role(None))
        with pytest.raises(ImproperlyConfigured, match=said):
            checks.guard_process()
    finally:
        connection_created.disconnect(dispatch_uid="core.checks.role")
        connection.close()
        database.as_superuser(f'revoke connect on database "{database.name}" from {login}')
        database.as_superuser(f"drop role {login}")
        database.as_superuser(f"drop role {group}")


@pytest.mark.parametrize("role", ["web", "worker", "staff", "auditor"])
def test_the_roles_of_the_house_pass(role, in_production, database):
    with database.role(role):
        assert list(checks.role_problems()) == []


def test_the_owner_does_not_pass(in_production, database):
    with database.role("owner"):
        assert "owns tables" in " ".join(checks.role_problems())


def test_a_database_that_is_down_is_waited_for_and_looked_at_later(production, database):
    """Starting while the database restarts is no reason to stay down; a wrong role is still found, at once."""
    code = (
        "import paya.wsgi\n"
        "from django.db import connection, connections\n"
        "import os, environ\n"
        "print('started')\n"
        "real = environ.Env().db_url('REAL_URL')\n"
        "connection.settings_dict.update(HOST=real['HOST'], PORT=real['PORT'])\n"
        "connection.cursor()\n"
        "print('connected')\n"
    )
    url = database.url("owner")
    down = url.replace(url.split("@", 1)[1].split("/", 1)[0], "127.0.0.1:1", 1)
    done = run([sys.executable, "-c", code], production | {"DATABASE_URL": down, "REAL_URL": url})
    assert "started" in done.stdout, done.stderr
    assert "connected" not in done.stdout
    assert "owns tables" in done.stderr


def test_local_runs_are_left_alone(database):
    done = run(STARTS["web"], {**os.environ, "DATABASE_URL": database.url("web")})
    assert done.returncode == 0, done.stderr
