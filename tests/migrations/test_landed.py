"""What has landed is never edited: databases that have run it would stay as they are, and nobody would know."""

import hashlib
from pathlib import Path

from django.conf import settings

# `sha256sum */migrations/0*.py */sql/*.sql`, of everything that has landed; a line is added when something lands.
LANDED = Path(__file__).with_name("landed.sha256")


def test_landed_migrations_and_their_sql_are_what_they_were() -> None:
    lines = [line.split() for line in LANDED.read_text().splitlines()]
    assert len(lines) >= 20
    changed = [name for was, name in lines if hashlib.sha256((settings.BASE_DIR / name).read_bytes()).hexdigest() != was]
    assert changed == []
