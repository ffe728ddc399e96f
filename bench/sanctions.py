"""Names against a list as long as OFAC's, and flags about a journal: how long each takes (docs/compliance.md).

The list is made: eighteen thousand entries and twenty thousand aliases, a third of their words taken from ten that are
everywhere, as on the real one, which makes look-ups dearer than evenly spread names would. A hundred of the people are on it,
written otherwise, and must be found.
"""

from __future__ import annotations

import csv
import random
import statistics
import time
from pathlib import Path
from typing import Any

from compliance.sanctions.names import Index
from paya.local import database

from . import report
from .people import make_people
from .prepared import Stage
from .report import Target

ENTRIES, ALIASES, PEOPLE, KNOWN, PAYMENTS = 18_000, 20_000, 1_000, 100, 20_000
QUICK = {"ENTRIES": 18_000, "PEOPLE": 300, "PAYMENTS": 5_000}
TARGETS = (Target("one_name_ms", "<", 50), Target("known_found", "==", KNOWN))
COMMON = ["mohammad", "ahmed", "ali", "hassan", "hussein", "abdul", "maria", "carlos", "jose", "ivan"]
PARTS = [
    "ba", "be", "bi", "bo", "ka", "ke", "ki", "ko", "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "ra", "re", "ri",
    "ro", "sa", "se", "si", "so", "ta", "te", "ti", "to", "la", "le", "li", "lo", "za", "zu", "ha", "gha", "kha", "sha",
    "dan", "lin",
]  # fmt: skip
SCREEN = "from django import setup; setup(); from compliance.services import sanctions; print(sanctions.screen(seconds=3600))"
LOOK = "from django import setup; setup(); from compliance.services import flags; print(flags.look(patience=30))"


def measure(stage: Stage, *, quick: bool) -> int:
    people = QUICK["PEOPLE"] if quick else PEOPLE
    payments = QUICK["PAYMENTS"] if quick else PAYMENTS
    made = random.Random(20261130)
    names = [_name(made) for _ in range(ENTRIES)]
    aliases = [(made.randrange(ENTRIES), _name(made)) for _ in range(ALIASES)]
    figures: dict[str, Any] = _in_memory(names, aliases, made)
    figures |= _in_database(stage, names, aliases, people, made)
    figures |= _flags(stage, payments, people)
    broken = [] if figures["known_found"] == KNOWN else ["people of the list were not found"]
    return report.finish("sanctions", figures, TARGETS, quick=quick, broken=broken)


def _name(made: random.Random) -> str:
    def word() -> str:
        return made.choice(COMMON) if made.random() < 0.33 else "".join(made.choices(PARTS, k=made.randint(2, 4)))

    family, *others = (word() for _ in range(made.choice([2, 2, 3, 3, 4])))
    return f"{family.upper()}, {' '.join(others).title()}"


def _otherwise(name: str) -> str:
    """The same person as they would write it themselves."""
    family, _, others = name.partition(", ")
    return f"{others} {family.title()}"


def _in_memory(names: list[str], aliases: list[tuple[int, str]], made: random.Random) -> dict[str, Any]:
    """The comparison alone: making the index, and one name against all of it."""
    started = time.perf_counter()
    index = Index([*enumerate(names), *aliases])
    figures: dict[str, Any] = {"entries": len(names), "names": len(index), "index_seconds": time.perf_counter() - started}
    each = []
    for _ in range(200):
        asked = _otherwise(_name(made))
        started = time.perf_counter()
        index.matches(asked, 85)
        each.append((time.perf_counter() - started) * 1000)
    return figures | {"one_name_ms": statistics.median(each), "one_name_p95_ms": sorted(each)[190]}


def _in_database(
    stage: Stage, names: list[str], aliases: list[tuple[int, str]], people: int, made: random.Random
) -> dict[str, Any]:
    """The product's own way: the command takes the list in, a worker looks everybody up, then a list with 200 more."""
    make_people(stage, people)
    known = made.sample(names, KNOWN)
    called = [_otherwise(name) for name in known] + [_otherwise(_name(made)) for _ in range(people - KNOWN)]
    with database.connect(stage.url("admin"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(
            "update users_profile p set display_name = left(n.name, 50) from unnest(%s) with ordinality n(name, i)"
            " where p.username = 'bench_' || n.i", [called],
        )  # fmt: skip
    folder = stage.folder.path / "list"
    folder.mkdir()
    _write(folder, names, aliases)
    imported, _ = _timed(stage, "manage.py", "import_sanctions", str(folder / "sdn.csv"))
    everybody, _ = _timed(stage, "-c", SCREEN)
    _write(folder, [*names, *(_name(made) for _ in range(200))], aliases)
    _timed(stage, "manage.py", "import_sanctions", str(folder / "sdn.csv"))
    changed, _ = _timed(stage, "-c", SCREEN)
    with database.connect(stage.url("admin"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select count(distinct user_id) filter (where substr(username, 7)::int <= %s), count(*)"
            " from compliance_sanctionshit join users_profile using (user_id)", [KNOWN],
        )  # fmt: skip
        found, hits = cursor.fetchone()
    return {
        "import_seconds": imported, "people": people, "everybody_seconds": everybody, "after_200_new_seconds": changed,
        "hits": hits, "known_found": found,
    }  # fmt: skip


def _write(folder: Path, names: list[str], aliases: list[tuple[int, str]]) -> None:
    with (folder / "sdn.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerows([n + 1, name, "individual", "MADE", *["-0- "] * 7, "DOB 1961"] for n, name in enumerate(names))
    with (folder / "alt.csv").open("w", newline="") as file:
        csv.writer(file).writerows([entry + 1, n, "aka", name, "-0- "] for n, (entry, name) in enumerate(aliases))


def _flags(stage: Stage, payments: int, people: int) -> dict[str, Any]:
    """Payments between the people, one every five seconds, written into the journal, and one look at all of them."""
    fill = """
        set session_replication_role = replica;
        insert into ledger_transfer (id, debit_account, credit_account, amount, debit_version, debit_balance, credit_version,
                credit_balance, posted_at, kind)
            select gen_random_uuid(), a.account, b.account, 100 + n %% 5000, 1000 + n, 0, 1000 + n, 0,
                   now() - interval '2 days' + n * interval '5 seconds', 7
            from generate_series(1, %(payments)s) n, (select min(user_id) as first from wallets_wallet) w
            join lateral (select * from wallets_wallet where user_id = w.first + (hashint4(n) & 65535) %% %(people)s) a on true
            join lateral (select * from wallets_wallet where user_id = w.first + (hashint4(-n) & 65535) %% %(people)s) b on true
            where a.account <> b.account;
        set session_replication_role = origin; analyze;
        update compliance_flagcursor set at = now() - interval '3 days'"""
    with database.connect(stage.url("admin"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(fill, {"payments": payments, "people": people})
    seconds, looked = _timed(stage, "-c", LOOK)
    return {"movements": int(looked), "movements_per_second": int(int(looked) / seconds)}


def _timed(stage: Stage, *arguments: str) -> tuple[float, str]:
    """A process of the worker to its end, with its start (about a second), and the last line that it printed."""
    started = time.perf_counter()
    done = stage.command(*arguments, role="worker")
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return time.perf_counter() - started, (done.stdout.strip().splitlines() or [""])[-1]
