"""The trail of what staff did, as whoever distrusts the database looks at it; and its head, put where the database has no say.

The chain is made in the database (console/sql/0014_trail.sql); what an entry's hash is made of stands there and, once more and by
itself, here. An anchor is a signed note (C2SP) that names the head; whoever has kept one can be shown no other past, and no
shorter one. Anchors name each other, so none of them goes missing in silence.
"""

import hashlib
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from core.actor import SYSTEM, actor
from transparency.attesting import chain
from transparency.attesting.channels import Bucket, Channel, Folder
from transparency.proofs.note import NotSigned, sign, text_of

NOTHING = b"\0" * 32
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "id, kind, of_action, at, staff_id, action, subject, what, reason, request_id, before::text, after::text, record,"
    " block_height, block_hash, transaction, previous, hash"
)
_AT_ONCE = 5_000
_LOCK = 720_202  # class of the trail's advisory locks; 1 is the chain's, 2 the anchors'


class Altered(Exception):
    """The trail is not what it was; the message says where. Nothing is signed any more."""


# ----------------------------------------------------------------------------------------------------------- the chain
def entry_hash(row: tuple[Any, ...]) -> bytes:
    """What the hash of an entry has to be, from its columns in the order of _COLUMNS."""
    (number, kind, of_action, at, staff, *texts, record, height, block, transaction_id, previous, _) = row
    parts = [
        b"PaYaTrl1", _number(number), _text(kind), _number(of_action), _number((at - _EPOCH) // timedelta(microseconds=1)),
        _number(staff), *(_text(text) for text in texts), _number(record), _number(height), bytes(block),
        _number(transaction_id), bytes(previous),
    ]  # fmt: skip
    return hashlib.sha256(b"".join(parts)).digest()


def _number(value: int | None) -> bytes:
    return struct.pack(">q", -1 if value is None else value)


def _text(value: str | None) -> bytes:
    if value is None:
        return struct.pack(">i", -1)
    raw = value.encode()
    return struct.pack(">i", len(raw)) + raw


def _entries(after: int) -> Iterator[tuple[Any, ...]]:
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"select {_COLUMNS} from console_trail where id > %s order by id limit %s", [after, _AT_ONCE])
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][0]


@dataclass
class Findings:
    """What was found. `first_bad` is the number of the first entry that is not what it was; None where the trail is whole."""

    entries: int = 0
    anchors: int = 0
    anchored: int = 0  # up to which entry an anchor stands for the trail
    head: bytes = NOTHING
    first_bad: int | None = None
    problems: list[str] = field(default_factory=list)

    def bad(self, entry: int | None, what: str) -> None:
        self.problems.append(what)
        if entry is not None and (self.first_bad is None or entry < self.first_bad):
            self.first_bad = entry


def verify(channels: Iterable[Channel] | None = None, *, keys: Iterable[str] | None = None) -> Findings:
    """Look through the whole trail, and compare it with the ledger's blocks, the records that pages show, and all anchors.

    `keys` (NAME+ID+KEY) are those that an auditor has kept; without them the database is asked, which proves less. For the
    auditor's role, which sees everything, or the worker's as SYSTEM.
    """
    found = Findings()
    hashes = _verify_chain(found)
    _verify_records(found)
    _verify_anchors(found, hashes, list(configured() if channels is None else channels), keys)
    return found


def _verify_chain(found: Findings) -> dict[int, bytes]:
    """The hash of each entry, as far as the chain holds."""
    with connection.cursor() as cursor:
        cursor.execute("select height, hash from ledger_block")
        blocks = {height: bytes(block) for height, block in cursor.fetchall()} | {0: NOTHING}
    hashes: dict[int, bytes] = {}
    expected, previous, height = 1, NOTHING, 0
    for row in _entries(0):
        number, follows, claimed, block = row[0], bytes(row[-2]), bytes(row[-1]), row[13]
        if number != expected:
            found.bad(expected, f"entry {expected} is not there: the next one is {number}")
        elif entry_hash(row) != claimed:
            found.bad(number, f"entry {number} is not what was written")
        elif follows != previous:
            # It is what was written, and names another one before it: that one was made anew.
            found.bad(max(1, number - 1), f"entry {number - 1} is not the one that entry {number} follows from")
        elif blocks.get(block) != bytes(row[14]) or block < height:
            found.bad(number, f"entry {number} names block {block} of the ledger with another hash")
        hashes[number] = claimed
        expected, previous, height = number + 1, claimed, block
    found.entries, found.head = len(hashes), previous
    return hashes


def _verify_records(found: Findings) -> None:
    """What the pages show is what the chain has. A record that the chain does not have means that its tail was cut."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select t.id, r.id, (select coalesce(max(id), 0) + 1 from console_trail) from console_actionrecord r"
            " full join (select * from console_trail where kind = 'action') t on t.record = r.id"
            " where (t.staff_id, t.action, t.subject, t.what, t.reason, t.at)"
            " is distinct from (r.staff_id, r.action, r.subject, r.what, r.reason, r.at)"
            " order by coalesce(t.id, 9e18), r.id limit 20"
        )
        rows = cursor.fetchall()
    for entry, record, after in rows:
        if entry is None:
            found.bad(after, f"record {record} of what staff did has no entry")
        else:
            found.bad(entry, f"entry {entry} is not what its record says" if record else f"entry {entry} has no record")


# ---------------------------------------------------------------------------------------------------------- anchors
@dataclass(frozen=True)
class Anchor:
    """The head of the trail at a time. `previous` is the digest of the anchor before it."""

    position: int
    interval: datetime
    entry: int
    hash: bytes
    previous: str

    @property
    def file(self) -> str:
        return file_of(self.position)

    def text(self) -> bytes:
        lines = [
            f"{settings.ATTESTATION_ORIGIN}/trail/v1", f"position {self.position}",
            f"interval {self.interval:%Y-%m-%dT%H:%M:%SZ}",
            f"entry {self.entry}", f"hash {self.hash.hex()}", f"previous {self.previous}",
        ]  # fmt: skip
        return "".join(f"{line}\n" for line in lines).encode("ascii")


def file_of(position: int) -> str:
    return f"trail-{position:08d}.txt"


def digest(note: bytes) -> str:
    return hashlib.sha256(chain.text_in(note)).hexdigest()


def parse(text: bytes) -> Anchor:
    """Raises ValueError for what is no anchor's text."""
    found = re.fullmatch(
        rb"[^\n]+/trail/v1\nposition (\d+)\ninterval (\S+Z)\nentry (\d+)\nhash ([0-9a-f]{64})\nprevious ([0-9a-f]{64})\n", text
    )
    if found is None:
        raise ValueError("no anchor")
    position, interval, entry, head, previous = (part.decode() for part in found.groups())
    at = datetime.strptime(interval, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return Anchor(int(position), at, int(entry), bytes.fromhex(head), previous)


def configured() -> list[Channel]:
    """Where anchors are put: under other control than the database."""
    channels: list[Channel] = []
    if settings.TRAIL_S3:
        channels.append(Bucket(settings.TRAIL_S3))
    if settings.TRAIL_FOLDER:
        channels.append(Folder(settings.TRAIL_FOLDER))
    return channels


def anchor(channels: Iterable[Channel] | None = None, *, at: datetime | None = None) -> int:
    """Sign the head for the interval of now, once, and put it and whatever an earlier run left wherever it belongs.

    How many anchors were put. Again, or two at once, it changes nothing: an anchor is written down before it is put, and put with
    the same bytes. Without a new entry there is no new anchor. Runs as the worker. Raises Altered where the trail is no longer
    what the last anchor says, ChannelFailed and PublishedOtherwise as the places do.
    """
    places = list(configured() if channels is None else channels)
    _sign_head(at)
    put = 0
    for position, note in _unpublished():
        for place in places:
            place.put(file_of(position), note)
        with actor(SYSTEM), connection.cursor() as cursor:
            cursor.execute("update console_trailanchor set published_at = clock_timestamp() where position = %s", [position])
        put += 1
    return put


def _sign_head(at: datetime | None) -> None:
    signer = chain.first_signer()
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, 2)", [_LOCK])
        cursor.execute(
            "select to_timestamp(floor(extract(epoch from coalesce(%(at)s, clock_timestamp())) / %(long)s) * %(long)s)",
            {"at": at, "long": settings.TRAIL_ANCHOR_SECONDS},
        )
        interval = cursor.fetchone()[0]
        cursor.execute("select position, interval_start, entry, note from console_trailanchor order by position desc limit 1")
        last = cursor.fetchone() or (0, datetime.min.replace(tzinfo=UTC), 0, None)
        if last[1] >= interval:
            return
        head = _head_since(last[2], parse(chain.text_in(last[3])).hash if last[3] else NOTHING)
        if head is None:
            return
        before = digest(bytes(last[3])) if last[3] else "0" * 64
        made = Anchor(last[0] + 1, interval, head[0], head[1], before)
        cursor.execute(
            "insert into console_trailanchor (position, interval_start, entry, note) values (%s, %s, %s, %s)",
            [made.position, made.interval, made.entry, sign(made.text(), signer)],
        )


def _head_since(entry: int, known: bytes) -> tuple[int, bytes] | None:
    """The head, once it follows from what was anchored last; None where nothing has come since. Raises Altered."""
    if entry:
        with connection.cursor() as cursor:
            cursor.execute("select hash from console_trail where id = %s", [entry])
            row = cursor.fetchone()
        if row is None or bytes(row[0]) != known:
            raise Altered(f"entry {entry} is not what was anchored")
    number, previous = entry, known
    for row in _entries(entry):
        if row[0] != number + 1 or bytes(row[-2]) != previous or entry_hash(row) != bytes(row[-1]):
            raise Altered(f"entry {number + 1} is not what was written")
        number, previous = row[0], bytes(row[-1])
    return None if number == entry else (number, previous)


def _unpublished() -> list[tuple[int, bytes]]:
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select position, note from console_trailanchor where published_at is null order by position")
        return [(position, bytes(note)) for position, note in cursor.fetchall()]


def _verify_anchors(found: Findings, hashes: dict[int, bytes], places: list[Channel], keys: Iterable[str] | None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select position, note from console_trailanchor where published_at is not null order by position")
        ours = {position: bytes(note) for position, note in cursor.fetchall()}
    trusted = list(keys) if keys is not None else chain.verifier_keys()
    for place in places:
        _verify_place(found, hashes, place, ours, trusted)


def _verify_place(found: Findings, hashes: dict[int, bytes], place: Channel, ours: dict[int, bytes], trusted: list[str]) -> None:
    """All anchors of one place, from the first on, also those of which the database says nothing."""
    position, previous = 0, "0" * 64
    while True:
        position += 1
        note = place.read(file_of(position))
        if note is None:
            if position <= max(ours, default=0):
                found.bad(None, f"anchor {position} is not in the {place.name}")
                previous = digest(ours[position]) if position in ours else previous
                continue
            return
        found.anchors += 1
        try:
            it = parse(_signed_text(note, trusted))
        except (NotSigned, ValueError):
            found.bad(None, f"anchor {position} in the {place.name} is not what was signed")
            previous = digest(ours[position]) if position in ours else previous
            continue
        if it.position != position or it.previous != previous:
            found.bad(None, f"anchor {position} in the {place.name} does not follow from the one before it")
        if hashes.get(it.entry) != it.hash:
            _not_as_anchored(found, hashes, it)
        else:
            found.anchored = max(found.anchored, it.entry)
        previous = digest(note)


def _not_as_anchored(found: Findings, hashes: dict[int, bytes], it: Anchor) -> None:
    if it.entry in hashes:
        since = found.anchored + 1
        found.bad(it.entry, f"entry {it.entry} is not the one of anchor {it.position}: look at {since} to {it.entry}")
    else:
        first = next(number for number in range(1, it.entry + 1) if number not in hashes)
        found.bad(first, f"the trail ends before entry {it.entry}, which anchor {it.position} has seen")


def _signed_text(note: bytes, trusted: list[str]) -> bytes:
    for key in trusted:
        name, public = chain.name_and_public(key)
        try:
            return text_of(note, name=name, public=public)
        except NotSigned:
            continue
    raise NotSigned("nobody that is known")


def folder(path: str) -> Channel:
    """Copies of anchors that somebody has kept. Raises ValueError where there is no such folder."""
    if not Path(path).is_dir():
        raise ValueError(f"{path} is no folder")
    return Folder(path)
