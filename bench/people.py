"""Thousands of people with money and an access token each, made in seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import jwt

from paya.local import database

from .prepared import Stage

FUNDS = 100_000_000


@dataclass(frozen=True)
class Person:
    username: str
    token: str


def make_people(stage: Stage, count: int) -> list[Person]:
    """People bench_1, bench_2, ... in the bench's database"""
    with database.connect(stage.url("admin"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute((Path(__file__).parent / "sql" / "people.sql").read_text(), {"n": count, "funds": FUNDS})
        cursor.execute("vacuum (analyze)")
    key = bytes.fromhex(stage.folder.secrets()["PAYA_JWT_KEY"])
    return [Person(f"bench_{n}", _token(f"bench-{n:08}", key)) for n in range(1, count + 1)]


def _token(suffix: str, key: bytes) -> str:
    now = int(time.time())
    claims = {"iss": "paya", "aud": "paya-api", "sub": f"usr_{suffix}", "dev": f"dev_{suffix}", "iat": now, "exp": now + 4 * 3600}
    return jwt.encode(claims, key, algorithm="HS256")
