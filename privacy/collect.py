"""What is in a copy of one's data: sections, each a list of lines, packed as JSON for programs and as CSV for people.

Read as SYSTEM, or as the person where their own queries say it best; outside of the transaction that claims the row.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from core.actor import SYSTEM, actor
from core.clock import now
from payments import queries as payments
from privacy.register import TABLES, Table
from users import queries as users
from wallets import queries as wallets

Line = dict[str, Any]
PAGE = 500


@dataclass(frozen=True)
class Section:
    name: str
    what: str
    lines: Callable[[int], list[Line]]


# ------------------------------------------------------------------------------------------------ the sections
def _profile(user_id: int) -> list[Line]:
    me = users.me(user_id=user_id)
    return [
        {
            "id": me.id, "phone": users.phone_of(user_id=user_id), "username": me.username, "display_name": me.display_name,
            "default_visibility": me.default_visibility, "created_at": me.created_at,
        }
    ]  # fmt: skip


def _balance(user_id: int) -> list[Line]:
    with actor(user_id):
        held = wallets.wallet(user_id)
    return [{"available": held.available, "held": held.held, "owed": held.owed, "currency": "USD", "as_of": now()}]


def _activity(user_id: int) -> list[Line]:
    lines: list[Line] = []
    before: int | None = None
    while True:
        with actor(user_id):
            rows = wallets.activity(user_id, before=before, limit=PAGE)
        for row in rows[:PAGE]:
            lines.append({
                "id": row.transfer, "kind": row.kind.name.lower(), "amount": row.amount, "balance_after": row.balance_after,
                "with": row.username, "reference": row.reference, "posted_at": row.posted_at,
            })  # fmt: skip
        if len(rows) <= PAGE:
            return lines
        before = rows[PAGE - 1].version


def _payments(user_id: int) -> list[Line]:
    lines: list[Line] = []
    before: int | None = None
    while True:
        with actor(user_id):
            rows = payments.payments(user_id, before=before, limit=PAGE)
        for row in rows[:PAGE]:
            lines.append({
                "id": row.id, "from": row.sender["username"], "to": row.receiver["username"], "amount": row.amount,
                "note": row.note, "visibility": row.visibility, "status": row.status, "created_at": row.created_at,
            })  # fmt: skip
        if len(rows) <= PAGE:
            return lines
        before = rows[PAGE - 1].pk


def _rows_of(table: Table) -> Callable[[int], list[Line]]:
    mine = " or ".join(f"{column} = %s" for column in table.person)

    def lines(user_id: int) -> list[Line]:
        with actor(SYSTEM), connection.cursor() as cursor:
            sql = f"select {table.shown} from {table.name} where ({mine}) and {table.only} order by 1"
            cursor.execute(sql, [user_id] * len(table.person))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return lines


SECTIONS = [
    Section("profile", "Who you are: the only place where your whole phone number stands", _profile),
    Section("balance", "What you have now", _balance),
    Section("activity", "Everything that moved on your wallet; amounts in cents, as it saw them", _activity),
    Section("payments", "Your payments, with what was written", _payments),
    *(Section(table.section, table.what, _rows_of(table)) for table in TABLES if table.section),
]
LEFT_OUT = [(table.name, table.what, table.left_out) for table in TABLES if not table.section]


# ------------------------------------------------------------------------------------------------ the file
def packed(sections: dict[str, list[Line]]) -> bytes:
    """A zip: read-me.txt, paya.json with everything, and a table for each section that has lines."""
    whole = {"made_at": now(), "amounts": "US cents", "sections": sections}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("read-me.txt", _read_me(sections))
        archive.writestr("paya.json", json.dumps(whole, default=_plain, ensure_ascii=False, indent=1))
        for name, lines in sections.items():
            if lines:
                archive.writestr(f"csv/{name}.csv", _table(lines))
    return buffer.getvalue()


def _table(lines: list[Line]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(lines[0])
    for line in lines:
        writer.writerow([_cell(value) for value in line.values()])
    return "\ufeff" + text.getvalue()  # so that spreadsheets read it as UTF-8


def _cell(value: Any) -> Any:
    """What others have written must not become a formula in somebody's spreadsheet."""
    if value is None or isinstance(value, bool | int):
        return value
    plain = _plain(value)
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@", "\t", "\r") else plain


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | str):
        return str(value)
    return json.dumps(value, default=str, ensure_ascii=False)


def _read_me(sections: dict[str, list[Line]]) -> str:
    titles = {section.name: section.what for section in SECTIONS}
    counted = [f"  {name}: {titles[name]} ({len(lines)})" for name, lines in sections.items()]
    left_out = [f"  {what}: {why}" for _, what, why in LEFT_OUT]
    return "\r\n".join([
        "What PaYa keeps about you.", "", f"Made on {now():%-d %B %Y at %H:%M} UTC. Amounts are US cents, times are UTC.", "",
        "paya.json has everything for programs, the folder csv the same as tables. What is in them, and how many lines:", "",
        *counted, "", "What is left out, and why:", "", *left_out, "",
    ])  # fmt: skip
