"""Production refuses what must not run there: real processes with a production environment, right and wrong."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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


def _wrong(production: dict[str, str], database: Database) -> dict[str, dict[str, Any]]:
    return {
        "sandbox": {"PAYA_SANDBOX": "1"},
        "debug": {"PAYA_DEBUG": "1"},
        "default secret": {"PAYA_SECRET_KEY": "django-insecure-" + secrets.token_urlsafe(48)},
        "short secret": {"PAYA_SECRET_KEY": secrets.token_urlsafe(12)},
        "plain key": {"PAYA_JWT_KEY": "00" * 32},
        "short key": {"PAYA_OTP_KEY": secrets.token_hex(8)},
        "one key twice": {"PAYA_OTP_KEY": production["PAYA_JWT_KEY"]},
        "no vendor secret": {"DWOLLA_WEBHOOK_SECRET": ""},
        "placeholder": {"TWILIO_AUTH_TOKEN": "sandbox"},
        "vendor without TLS": {"DWOLLA_BASE_URL": "http://127.0.0.1:8002/dwolla"},
        "pages without TLS": {"PAYA_PUBLIC_URL": "http://paya.example"},
        "any host": {"PAYA_ALLOWED_HOSTS": "*"},
        "no key file": {"PAYA_KEY_FILE": "/nowhere/keys.json"},
        "owner": {"DATABASE_URL": database.url("owner")},
    }


_CASES = [
    "sandbox", "debug", "default secret", "short secret", "plain key", "short key", "one key twice", "no vendor secret",
    "placeholder", "vendor without TLS", "pages without TLS", "any host", "no key file", "owner",
]  # fmt: skip


@pytest.mark.parametrize("wrong", _CASES)
def test_web_refuses_to_start_and_says_why(wrong, production, database):
    done = run(STARTS["web"], production | _wrong(production, database)[wrong])
    assert done.returncode != 0
    assert "started" not in done.stdout
    assert "PaYa does not start like this" in done.stderr


def test_a_key_file_that_others_may_read_is_refused(production, key_file):
    key_file.chmod(0o644)
    done = run(STARTS["web"], production)
    assert done.returncode != 0
    assert "mode 0600" in done.stderr


@pytest.mark.parametrize("process", ["live", "worker"])
@pytest.mark.parametrize("wrong", ["sandbox", "owner"])
def test_the_other_processes_refuse_too(process, wrong, production, database):
    done = run(STARTS[process], production | _wrong(production, database)[wrong])
    assert done.returncode != 0
    assert "started" not in done.stdout


def test_the_relay_and_beat_refuse_too(production, database):
    wrong = production | {"PAYA_SANDBOX": "1"}
    for command in (["manage.py", "relay"], ["-m", "celery", "-A", "paya", "beat", "--schedule", "/nowhere", "--pidfile="]):
        done = run([sys.executable, *command], wrong)
        assert done.returncode != 0
        assert "PAYA_SANDBOX is on" in done.stderr


@pytest.mark.parametrize("attribute", ["SUPERUSER", "BYPASSRLS"])
@pytest.mark.parametrize("how", ["itself", "by a role that it may become"])
def test_a_login_with_too_many_rights_is_refused(attribute, how, production, database):
    """The roles of the suite are the cluster's, so this one is made, and dropped, for the test."""
    login, group = f"paya_x_{secrets.token_hex(4)}", f"paya_y_{secrets.token_hex(4)}"
    password = secrets.token_hex(8)
    given = attribute if how == "itself" else ""
    database.as_superuser(f"create role {login} login password '{password}' {given}")
    database.as_superuser(f"create role {group} nologin {attribute}")
    try:
        database.as_superuser(f'grant connect on database "{database.name}" to {login}')
        database.as_superuser(f"grant paya_web to {login}")
        if not given:
            database.as_superuser(f"grant {group} to {login} with inherit false")
        url = database.url("web")
        credentials = url.split("//", 1)[1].split("@", 1)[0]
        env = production | {"DATABASE_URL": url.replace(credentials, f"{login}:{password}", 1)}
        done = run(STARTS["web"], env)
        assert done.returncode != 0
        said = {"SUPERUSER": "superuser", "BYPASSRLS": "bypasses row-level security"}[attribute]
        assert said in done.stderr
        reported = check_deploy(env)
        assert reported.returncode != 0
        assert said in reported.stderr
    finally:
        database.as_superuser(f'revoke connect on database "{database.name}" from {login}')
        database.as_superuser(f"drop role {login}")
        database.as_superuser(f"drop role {group}")


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
