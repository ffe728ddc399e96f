"""What production must not start with, and where it is refused.

The same list serves twice: `manage.py check --deploy` reports it, and `guard_process` ends a web, live, worker, beat or
relay process before it does anything. Outside production nothing is asked.
"""

import logging
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created

log = logging.getLogger("paya.start")

_HEX_KEYS = ("JWT_KEY", "OTP_KEY", "BLIND_KEY")
_KEY = re.compile(r"[0-9a-fA-F]{64}")
# What somebody would have put there to get going. Short words count only where a word begins: sixty-four random characters
# hold "xxx" once in five hundred keys, and a good key must never be refused.
_PLACEHOLDER = re.compile(
    r"secret|change|default|insecure|example|password|sandbox|x{8}|(?:^|[-_. ])(?:test|dummy)", re.IGNORECASE
)
_FEWEST_CHARACTERS = 8  # different ones: thirty-two random bytes in hex have nearly all sixteen
_VENDORS = ("PLAID_SECRET", "DWOLLA_SECRET", "DWOLLA_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN")
_ADDRESSES = ("PLAID_BASE_URL", "DWOLLA_BASE_URL", "TWILIO_BASE_URL")

# The rights of whoever is logged in, with every role that it is or could become (SET ROLE) counted.
_ROLE = """
    select session_user,
           exists(select from pg_roles r where r.rolsuper and pg_has_role(session_user, r.oid, 'MEMBER')),
           exists(select from pg_roles r where r.rolbypassrls and pg_has_role(session_user, r.oid, 'MEMBER')),
           exists(select from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                  and pg_has_role(session_user, c.relowner, 'MEMBER'))
"""


def settings_problems() -> Iterator[str]:
    """What is wrong with the settings of a production process, in words without any value."""
    if settings.DEBUG:
        yield "PAYA_DEBUG is on."
    if settings.SANDBOX:
        yield "PAYA_SANDBOX is on: stand-ins for the vendors have no place in production."
    yield from _secret_problems()
    yield from _address_problems()


def _secret_problems() -> Iterator[str]:
    for name in _HEX_KEYS:
        if not _KEY.fullmatch(getattr(settings, name)) or _too_plain(getattr(settings, name)):
            yield f"PAYA_{name} must be 32 random bytes in hex (openssl rand -hex 32)."
    key = settings.SECRET_KEY
    if len(key) < 50 or _too_plain(key) or _PLACEHOLDER.search(key):
        yield "PAYA_SECRET_KEY must be at least 50 random characters."
    keys = [getattr(settings, name) for name in ("SECRET_KEY", *_HEX_KEYS)]
    if len(set(keys)) < len(keys):
        yield "Two of the secrets are the same; each has a purpose of its own."
    for name in _VENDORS:
        value = getattr(settings, name)
        if not value or _PLACEHOLDER.search(value):
            yield f"{name} is missing or a placeholder."
    if settings.STRIPE_SECRET_KEY:  # the rail that may be there
        yield from _stripe_problems()
    if settings.METRICS_TOKEN and (len(settings.METRICS_TOKEN) < 32 or _too_plain(settings.METRICS_TOKEN)):
        yield "PAYA_METRICS_TOKEN must be at least 32 random characters."
    if not settings.KMS_KEY:
        yield from _key_file_problems(Path(settings.KEY_FILE))


def _stripe_problems() -> Iterator[str]:
    if _PLACEHOLDER.search(settings.STRIPE_SECRET_KEY):
        yield "STRIPE_SECRET_KEY is a placeholder or a key for tests."
    secrets = settings.STRIPE_WEBHOOK_SECRETS
    if not secrets or any(not secret or _PLACEHOLDER.search(secret) for secret in secrets):
        yield "STRIPE_WEBHOOK_SECRETS are missing or placeholders."
    if urlsplit(settings.STRIPE_BASE_URL).scheme != "https":
        yield "STRIPE_BASE_URL must be https."


def _key_file_problems(path: Path) -> Iterator[str]:
    try:
        mode = path.stat().st_mode
    except OSError:
        yield "PAYA_KEY_FILE cannot be read, and there is no PAYA_KMS_KEY."
        return
    if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
        yield "PAYA_KEY_FILE must be a file of mode 0600."


def _too_plain(secret: str) -> bool:
    return len(set(secret.lower())) < _FEWEST_CHARACTERS


def _address_problems() -> Iterator[str]:
    if urlsplit(settings.PUBLIC_URL).scheme != "https":
        yield "PAYA_PUBLIC_URL must be https."
    if urlsplit(settings.LIVE_URL).scheme != "wss":
        yield "PAYA_LIVE_URL must be wss."
    if "*" in settings.ALLOWED_HOSTS:
        yield "PAYA_ALLOWED_HOSTS must name the hosts."
    for name in _ADDRESSES:
        if urlsplit(getattr(settings, name)).scheme != "https":
            yield f"{name} must be https."
    for name in ("PLAID_REDIRECT_URI", "PLAID_APP_REDIRECT_URI"):
        parts = urlsplit(getattr(settings, name))
        if parts.geturl() and (parts.scheme != "https" or parts.query or parts.fragment):
            yield f"{name} must be https and without a query: Plaid refuses any other."


def role_problems() -> Iterator[str]:
    """What the database's login may and must not. Asks the database."""
    with connection.cursor() as cursor:
        cursor.execute(_ROLE)
        login, superuser, bypasses, owns = cursor.fetchone()
    if superuser:
        yield f"The database role {login} is, or may become, a superuser."
    if bypasses:
        yield f"The database role {login} bypasses row-level security, or may."
    if owns:
        yield f"The database role {login} owns tables, or may: only migrations run as the owner."


def guard_process() -> None:
    """End this process if it is not fit for production: called where web, live, workers and the relay begin.

    Raises ImproperlyConfigured. While the database is down the process starts, and its role is looked at on the first
    connection that comes about.
    """
    if not settings.PRODUCTION:
        return
    _refuse(list(settings_problems()))
    connection_created.connect(_on_connection, dispatch_uid="core.checks.role")
    connection.close()
    try:
        connection.ensure_connection()
    except OperationalError:
        log.warning("database_not_there_yet")
    finally:
        connection.close()  # a process that is forked from this one must not share it


def _on_connection(**_: Any) -> None:
    # Disconnected first: this very look is on the connection that has just been made.
    connection_created.disconnect(dispatch_uid="core.checks.role")
    problems = list(role_problems())
    if problems:
        connection_created.connect(_on_connection, dispatch_uid="core.checks.role")
        connection.close()
        _refuse(problems)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ImproperlyConfigured("PaYa does not start like this:\n" + "\n".join(f"- {problem}" for problem in problems))


@register(Tags.security, deploy=True)
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Part of `manage.py check --deploy`."""
    if not settings.PRODUCTION:
        return []
    return [Error(problem, id="paya.E001") for problem in settings_problems()]


@register(Tags.security, deploy=True)
def check_role(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Part of `manage.py check --deploy`, run with the DATABASE_URL of the process that is to start."""
    if not settings.PRODUCTION:
        return []
    try:
        return [Error(problem, id="paya.E002") for problem in role_problems()]
    except OperationalError:
        return [Error("The database cannot be asked about its roles.", id="paya.E003")]
