"""`manage.py setup_roles`: make or repair the database's roles, in production before the first migration."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2
from django.core.management.base import BaseCommand, CommandError

from core.roles import LOGINS, RolesError, ensure_roles, login_name

_PASSWORD = "PAYA_DB_PASSWORD_"


class Command(BaseCommand):
    help = (
        "Makes the group roles and this database's logins. DATABASE_URL is that of an administrator (CREATEROLE, "
        f"owner of the database); each login's password comes from {_PASSWORD}<ROLE>."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        passwords = {role: os.environ.get(_PASSWORD + role.upper(), "") for role in LOGINS}
        missing = [_PASSWORD + role.upper() for role, password in passwords.items() if not password]
        if missing:
            raise CommandError(f"No password for every login: set {', '.join(missing)}.")
        url = os.environ["DATABASE_URL"]
        dbname = unquote(urlsplit(url).path.lstrip("/"))
        try:
            connection = psycopg2.connect(url)
            try:
                ensure_roles(connection, dbname, passwords)
            finally:
                connection.close()
        except (RolesError, psycopg2.Error) as error:
            raise CommandError(str(error).strip().splitlines()[0]) from error
        for role in LOGINS:
            self.stdout.write(login_name(dbname, role))
