"""The sanctions list: taking in a new one, looking up names in it, and what staff decide (sql/0006_sanctions.sql).

Each look-up reads names and list after its own cause has committed: whoever takes a name while a list is taken in is found by the
name's look-up or by the list's, or by both, and a hit is one row however often it is found.
"""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, connection
from django.db.models import F

from compliance.models import SanctionsEntry, SanctionsHit, SanctionsRun, SanctionsSetting
from compliance.sanctions import names, sdn
from core import clock, keyring
from core.actor import SYSTEM, actor
from core.errors import Conflict
from core.staff import call
from users.models import Profile

log = logging.getLogger("paya.compliance")

# Of people only these can be mistaken for: ships and aircraft are not compared.
COMPARED = ("individual", "entity")
# A list that suddenly lacks more than this share of its entries was cut off on its way, until somebody says that it was not.
REMOVED_AT_MOST = 0.2
PEOPLE_AT_ONCE = 200
NAMES_AT_ONCE = 100
CLAIM_SECONDS = 60
_LOCK = 420602


class ImportRunning(Conflict):
    code, title = "import_running", "Another import is running"
    detail = "Another import of the list is running. Please try again when it is done."


class ListShrank(Conflict):
    code, title = "list_shrank", "This list lacks many entries"


@dataclass(frozen=True)
class Imported:
    """What a list changed: how many entries it has, and how many are new, other than they were, and gone."""

    entries: int
    added: int
    changed: int
    removed: int

    @property
    def differs(self) -> bool:
        return bool(self.added or self.changed or self.removed)


# ------------------------------------------------------------------------------------------------ taking in a list
def import_list(*, entries: list[sdn.Entry], allow_removals: bool = False) -> Imported:
    """Make the list that of `entries`, in one transaction; the same again changes nothing. `screen` looks everybody up then.

    Raises ImportRunning while somebody else does the same, ListShrank where more than a fifth of the entries would go.
    """
    with actor(SYSTEM):
        _alone()
        there = {entry.number: entry for entry in SanctionsEntry.objects.filter(removed_in=None)}
        new = {entry.number: entry for entry in entries}
        gone = [number for number in there if number not in new]
        changed = [e for e in entries if e.number in there and there[e.number].digest != e.digest]
        added = [e for e in entries if e.number not in there]
        result = Imported(len(entries), len(added), len(changed), len(gone))
        if len(gone) > REMOVED_AT_MOST * len(there) and not allow_removals:
            raise ListShrank(f"{len(gone)} of {len(there)} entries would be removed. If that is meant, say --allow-removals.")
        if result.differs:
            run = SanctionsRun(
                cause="import", entries=result.entries, added=result.added, changed=result.changed, removed=result.removed
            )
            run.save(force_insert=True)
            _store(run, [*added, *changed], there)
            # They stay as rows, for what was decided about them; what was open about them ends when `screen` comes by.
            SanctionsEntry.objects.filter(number__in=gone).update(removed_in=run)
    return result


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise ImportRunning


def _store(run: SanctionsRun, entries: list[sdn.Entry], there: dict[int, SanctionsEntry]) -> None:
    """New rows, and what is other than it was. Where only a remark is, nobody has to be looked up again."""
    rows = [
        SanctionsEntry(
            number=e.number, kind=e.kind, name=e.name, aliases=e.aliases, program=e.program, title=e.title, remarks=e.remarks,
            places=e.places, key=e.key, digest=e.digest, removed_in=None,
            changed_in_id=there[e.number].changed_in_id if e.number in there and there[e.number].key == e.key else run.pk,
        )
        for e in entries
    ]  # fmt: skip
    columns = ["kind", "name", "aliases", "program", "title", "remarks", "places", "key", "digest", "changed_in", "removed_in"]
    SanctionsEntry.objects.bulk_create(
        rows, batch_size=2000, update_conflicts=True, unique_fields=["number"], update_fields=columns
    )


def read_files(*, sdn_file: Path, alt: Path | None = None, add: Path | None = None) -> list[sdn.Entry]:
    """The entries of the published files; alias and address files are also found beside the first under their usual names.

    Raises sdn.BrokenList with the lines that are not as published.
    """
    beside = {name: sdn_file.with_name(name) for name in ("alt.csv", "add.csv")}
    return sdn.read(
        sdn_file,
        alt or (beside["alt.csv"] if beside["alt.csv"].is_file() else None),
        add or (beside["add.csv"] if beside["add.csv"].is_file() else None),
    )


# ------------------------------------------------------------------------------------------------ looking up
def screen(*, seconds: float = 20.0) -> int:
    """Look up names that are due, then everybody for what changed in the list; how many names. Goes on where the last one ended.

    Any number of these at once, killed at any time: names and runs are claimed for a minute, and whatever was not noted as
    looked up is looked up again. Names are compared outside of any transaction: nobody who changes a name, or pays, waits for it.
    """
    _end_what_left_the_list()
    until = time.monotonic() + seconds
    done = 0
    while time.monotonic() < until:
        n = _screen_names() or _go_on_with_a_run()
        if not n:
            break
        done += n
    return done


def _end_what_left_the_list() -> None:
    with actor(SYSTEM):
        gone = list(SanctionsHit.objects.filter(state="open", entry__removed_in__isnull=False).values_list("id", flat=True))
    for hit in gone:
        with suppress(DatabaseError), actor(SYSTEM), connection.cursor() as cursor:  # somebody has decided it meanwhile
            cursor.execute("select compliance_end_hit(%s, 'gone', 'This entry is no longer on the list.')", [hit])


def _threshold() -> int:
    return int(SanctionsSetting.objects.order_by("-id").values_list("threshold", flat=True)[0])


def _screen_names() -> int:
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select user_id, display_name, asked_at from compliance_names_due(%s, %s)", [NAMES_AT_ONCE, CLAIM_SECONDS])
        due = cursor.fetchall()
    if not due:
        return 0
    index, threshold = _whole_list(), _threshold()  # after the names were read: a newer list looks up everybody by itself
    for user_id, name, asked_at in due:
        _look_up(index, user_id, name, threshold)
        with actor(SYSTEM), connection.cursor() as cursor:
            looked_up = "update compliance_namecheck set checked_at = core_now() where user_id = %s and asked_at = %s"
            cursor.execute(looked_up, [user_id, asked_at])
    return len(due)


def _go_on_with_a_run() -> int:
    """Some more people of the oldest run, unless somebody else is at it; 0 where there is none."""
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select id from compliance_claim_run(%s)", [CLAIM_SECONDS])
        claimed = cursor.fetchone()
        if claimed is None:
            return 0
        run = SanctionsRun.objects.get(pk=claimed[0])
        next_ones = Profile.objects.filter(user_id__gt=run.through).order_by("user_id")
        people = list(next_ones.values_list("user_id", "display_name")[:PEOPLE_AT_ONCE])
    index = _changed_by(run) if run.cause == SanctionsRun.Cause.IMPORT else _whole_list()
    threshold = _threshold()
    hits = sum(_look_up(index, user_id, name, threshold) for user_id, name in people) if len(index) else 0
    through = people[-1][0] if people else run.through
    done = clock.now() if len(people) < PEOPLE_AT_ONCE else None
    with actor(SYSTEM):
        # Of two who were at it after all, one moves it on.
        SanctionsRun.objects.filter(pk=run.pk, through=run.through, finished_at=None).update(
            through=through, people=F("people") + len(people), hits=F("hits") + hits, finished_at=done, claimed_until=None
        )
    if done:
        log.info("sanctions_screened", extra={"count": run.people + len(people)})
    return len(people) or 1


def _look_up(index: names.Index, user_id: int, name: str, threshold: int, *, legal_name: bool = False) -> int:
    """Write down what this name is like; how many of it were not known. What it does to the person is in the same transaction.

    A display name is kept with what it is like, for whoever decides about it later. A legal name is not, being a secret: what
    stands for it tells nothing without the key of blind indexes.
    """
    found = index.matches(name, threshold)
    if not found:
        return 0
    key = names.key(name)
    sealed = keyring.blind_index("sanctions_name", key).hex()[:32]
    kept = "" if legal_name else name
    new = 0
    with actor(SYSTEM), connection.cursor() as cursor:
        for match in found:
            cursor.execute(
                "select compliance_sanctions_hit(%s, %s, %s, %s, %s,"
                " (select key from compliance_sanctionsentry where number = %s), %s, %s, %s)",
                [user_id, match.entry, match.listed, match.score, sealed, match.entry, key, legal_name, kept],
            )
            new += bool(cursor.fetchone()[0])
    return new


def newest_run() -> int:
    """The newest change of the list or the scores, or 0: whoever keeps legal names looks them up after each."""
    return SanctionsRun.objects.order_by("-id").values_list("id", flat=True).first() or 0


def look_up_legal_name(*, user_id: int, name: str, since: int) -> int:
    """Look a legal name up in what changed after the run `since` (0: in the whole list); how many hits were not known.

    Rooms above keep these names, and which run each was looked up after: they have read `newest_run` before they ask. In no
    transaction, as `screen`.
    """
    again = not since or SanctionsRun.objects.filter(id__gt=since).exclude(cause=SanctionsRun.Cause.IMPORT).exists()
    index = _whole_list() if again else _changed_after(since)
    return _look_up(index, user_id, name, _threshold(), legal_name=True) if len(index) else 0


_kept: dict[tuple[str, tuple[int, int], str], names.Index] = {}


def _newest_import() -> int:
    return SanctionsRun.objects.filter(cause="import").order_by("-id").values_list("id", flat=True).first() or 0


def _whole_list() -> names.Index:
    return _index("all", after=0, until=_newest_import())


def _changed_by(run: SanctionsRun) -> names.Index:
    return _index("changed", after=run.pk - 1, until=run.pk)


def _changed_after(run: int) -> names.Index:
    return _index("changed after", after=run, until=_newest_import())


def _index(which: str, *, after: int, until: int) -> names.Index:
    """What is listed and was changed in these runs. Made once per list and process: to read eighteen thousand entries takes
    longer than to look up fifty names."""
    key = (connection.settings_dict["NAME"], (after, until), which)
    if key not in _kept:
        rows = SanctionsEntry.objects.filter(removed_in=None, kind__in=COMPARED)
        listed = rows.filter(changed_in_id__gt=after, changed_in_id__lte=until).values_list("number", "name", "aliases")
        made = names.Index((number, one) for number, name, aliases in listed for one in [name, *aliases])
        for old in [old for old in _kept if old[2] == which]:
            del _kept[old]
        _kept[key] = made
    return _kept[key]


# ------------------------------------------------------------------------------------------------ what staff decide
def clear_hit(*, hit: str, staff_id: int, reason: str) -> None:
    """This person is not the one on the list. The two never come up together again under the names that they have now."""
    call("compliance_decide_hit", [hit, "cleared", reason], staff_id=staff_id)


def confirm_hit(*, hit: str, staff_id: int, reason: str) -> None:
    """This person is the one on the list: nothing leaves the wallet any more, and the case is closed as confirmed."""
    call("compliance_decide_hit", [hit, "confirmed", reason], staff_id=staff_id)


def ask_lifting(*, hit: str, staff_id: int, reason: str) -> None:
    """That a confirmed hit was a mistake; another of the staff decides. Raises Conflict where it is asked for already."""
    call("compliance_ask_lifting", [hit, reason], staff_id=staff_id)


def decide_lifting(*, hit: str, approve: bool, staff_id: int, reason: str) -> None:
    """Approved, the hit is cleared and its person told. Raises Conflict for whoever asked, and where nobody did."""
    call("compliance_decide_lifting", [hit, approve, reason], staff_id=staff_id)


def clear_case(*, case: str, staff_id: int, reason: str) -> int:
    """All open hits of a case are of somebody else; how many."""
    return int(call("compliance_clear_hits", [case, reason], staff_id=staff_id))


def change_setting(*, threshold: int, strong: int, staff_id: int, reason: str) -> None:
    """From what score on a name is a hit, or a strong one (101: never). Everybody is looked up again."""
    call("compliance_change_sanctions", [threshold, strong, reason], staff_id=staff_id)
