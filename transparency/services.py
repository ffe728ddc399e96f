"""What changes here: a day is attested, a person makes a secret of their own, complains, or a key is changed.

A day is attested in steps, each of which is kept before the next begins: freeze, build, check, sign, publish, open. Whoever goes
on after a crash, or beside somebody else, comes to the same bytes: everything after the freeze is made from what was frozen.
"""

import hashlib
import logging
import re
import secrets as randomness
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Q, QuerySet

from banking.reconciliation import queries as reconciliation
from core import staff
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import RateLimited, ValidationError
from core.ids import new_id
from ledger import sealer
from payments.errors import NoUsernameYet
from transparency import archive, personal
from transparency.attesting import chain, channels, files, freeze, published, secrets
from transparency.errors import (
    AlreadyAttested,
    AlreadyComplained,
    BegunWithout,
    BooksDisagree,
    ChannelFailed,
    NotAttested,
    NothingToAttest,
    PublishedOtherwise,
    SelfCheckFailed,
)
from transparency.models import Attestation, ChainEntry, Complaint, DaySecret, Enrolment, Publication, Snapshot, Wish
from transparency.proofs import attestation as texts
from transparency.proofs.attestation import cut_of, epoch_of
from transparency.proofs.paths import proof_of
from transparency.proofs.records import who_of
from transparency.proofs.tree import Tree
from users.models import database_time

log = logging.getLogger("paya.transparency")
SECRETS_A_DAY = 10
_ONE_AT_A_TIME = 420_502  # advisory lock: a second worker does not build the same tree once more
CHECKED = 16  # proofs that we verify ourselves before anything is signed, besides the first and the last


# --------------------------------------------------------------------------------------------------------- attesting
def attest(*, corrects: int | None = None) -> Attestation:
    """Attest today, after finishing whatever an earlier run left unfinished.

    Raises AlreadyAttested, BegunWithout, NothingToAttest without any statement of a custodian, BooksDisagree, SelfCheckFailed,
    ChannelFailed when a place of publication does not take it (proofs stay closed; the next run goes on).
    """
    today = epoch_of(now())
    with _alone():
        _finish_earlier(today)
        with actor(SYSTEM):
            row = Attestation.objects.filter(epoch=today).first()
        if row is None:
            row, whos = _freeze(corrects)
            return _finish(row, whos=whos)
        if row.opened_at is not None:
            publish()  # a change of the key, or everything to a place that was configured since
            raise AlreadyAttested
        if corrects not in (None, row.corrects):
            raise BegunWithout
        return _finish(row)


def attest_daily() -> Attestation | None:
    """What beat wakes up: today, unless it is done; None when there is nothing to do."""
    try:
        return attest()
    except (AlreadyAttested, _SomebodyElse):
        return None
    except NothingToAttest as error:
        if now().strftime("%H:%M") >= settings.ATTESTATION_DEADLINE:
            log.warning("attestation_late", extra={"cause": error.code})
        return None
    except ChannelFailed as error:
        log.warning("attestation_not_published", extra={"cause": str(error)})
        return None


class _SomebodyElse(AlreadyAttested):
    code = "attestation_runs"
    detail = "Somebody is at it just now."


@contextmanager
def _alone() -> Iterator[None]:
    """Only to spare work: what makes a day's text the only one is the database."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [_ONE_AT_A_TIME])
        if not cursor.fetchone()[0]:
            raise _SomebodyElse
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s)", [_ONE_AT_A_TIME])


def _finish_earlier(today: int) -> None:
    with actor(SYSTEM):
        rows = list(Attestation.objects.filter(opened_at=None, epoch__lt=today).order_by("epoch"))
    for row in rows:
        try:
            _finish(row)
        except SelfCheckFailed:
            log.exception("attestation_stuck", extra={"position": row.epoch})
        except ChannelFailed as error:  # it is signed; what today owes is frozen and signed whatever a place does
            log.warning("attestation_not_published", extra={"position": row.epoch, "cause": str(error)})


def _finish(row: Attestation, *, whos: bytes | None = None) -> Attestation:
    """From wherever it stands to open proofs. `whos` spares reading who stands behind the accounts once more."""
    built = row.root is not None and files.is_there(row.epoch)
    tree = files.tree_of(row.epoch, row.accounts) if built else _build(row, whos=whos)
    _sign(row, tree)
    publish()
    with actor(SYSTEM):
        Attestation.objects.filter(epoch=row.epoch, opened_at=None).update(opened_at=database_time())
        row.refresh_from_db()
    log.info("attested", extra={"position": row.epoch})
    return row


def _freeze(corrects: int | None) -> tuple[Attestation, bytes | None]:
    """All that is owed at one instant, the ledger's head there, and what the custodians have said until then; who stands
    behind the accounts, unless somebody else was quicker."""
    if corrects is not None:
        with actor(SYSTEM):
            if not ChainEntry.objects.filter(kind=ChainEntry.ATTESTATION, epoch=corrects).exists():
                raise NotAttested
    with actor(SYSTEM):
        told = reconciliation.held()
    if not told:
        raise NothingToAttest
    chain.first_signer()
    frozen = freeze.freeze()
    owed = frozen.liabilities
    if owed.total != frozen.required:
        log.error("attestation_refused", extra={"required": frozen.required, "short": frozen.required - owed.total})
        raise BooksDisagree(f"People's accounts come to {owed.total} cents, the ledger to {frozen.required}. Nothing was signed.")
    head = sealer.seal(until=frozen.instant)
    if (altered := sealer.first_altered()) is not None:
        log.error("attestation_refused", extra={"position": altered})
        raise BooksDisagree(f"Block {altered} of the journal is no longer what was sealed. Nothing was signed.")
    epoch, key = epoch_of(frozen.instant), secrets.new_day_key()
    try:
        with actor(SYSTEM), transaction.atomic():
            row = Attestation.objects.create(
                epoch=epoch, instant=frozen.instant, ledger_head=head.hash.hex(), accounts=len(owed.balances),
                liabilities=owed.total, receivable=frozen.receivable, reserve=max(sum(one.cents for one in told), 0),
                reserve_asof=min(one.at for one in told), evidence=_evidence(told), corrects=corrects,
                software=hashlib.sha256(published.verifier_file(chain.verifier_keys())).hexdigest(),
            )  # fmt: skip
            DaySecret.objects.create(epoch=epoch, key_cipher=secrets.seal_day_key(epoch, key))
            Snapshot.objects.create(epoch=epoch, sealed=secrets.seal_snapshot(epoch, key, frozen.rows))
            row.refresh_from_db()
            return row, frozen.whos
    except IntegrityError:  # somebody else was quicker: their figures are the day's
        with actor(SYSTEM):
            return Attestation.objects.get(epoch=epoch), None


def _evidence(told: list[reconciliation.Held]) -> str:
    """What the published hash of evidence is of: for auditors, who have the statements themselves."""
    return "".join(
        f"custodian {one.custodian}\nstatement {one.statement}\ntold {texts.stamp(one.at)}\nholds {one.cents}\n"
        f"sha256 {one.digest}\n"
        for one in told
    )


def _day_key(epoch: int) -> bytes:
    with actor(SYSTEM):
        return secrets.open_day_key(epoch, DaySecret.objects.get(epoch=epoch).key_cipher)


def _build(row: Attestation, *, whos: bytes | None = None) -> Tree:
    """The day's tree, from the snapshot and the day's key."""
    with actor(SYSTEM):
        sealed = bytes(Snapshot.objects.get(epoch=row.epoch).sealed)
    key = _day_key(row.epoch)
    rows = secrets.open_snapshot(row.epoch, key, sealed)
    whos = whos or freeze.whos_of(rows, row.instant)
    tree = files.build(row.epoch, rows=rows, whos=whos, key=key)
    if tree.total != row.liabilities or (row.root is not None and row.root != tree.root.hex()):
        raise SelfCheckFailed(f"The tree of epoch {row.epoch} does not come to what was frozen.")
    _check(row, tree, rows=rows, whos=whos, key=key)
    with actor(SYSTEM):
        Attestation.objects.filter(epoch=row.epoch, root=None).update(
            root=tree.root.hex(), depth=tree.depth, built_at=database_time()
        )
        row.refresh_from_db()
    return tree


def attestation_of(row: Attestation, *, depth: int, root: str, previous: str) -> texts.Attestation:
    return texts.Attestation(
        origin=settings.ATTESTATION_ORIGIN, epoch=row.epoch, cut=row.instant, depth=depth, liabilities=row.liabilities,
        root=root, receivable=row.receivable, reserve=row.reserve, reserve_asof=row.reserve_asof,
        reserve_evidence=hashlib.sha256(row.evidence.encode()).hexdigest(), ledger_head=row.ledger_head, previous=previous,
        software=row.software, corrects=row.corrects,
    )  # fmt: skip


def _sign(row: Attestation, tree: Tree) -> None:
    """Once for the day. What is built was checked."""
    with actor(SYSTEM):
        entries = ChainEntry.objects.filter(kind=ChainEntry.ATTESTATION)
        if entries.filter(epoch=row.epoch).exists():
            return
        if entries.filter(epoch__gt=row.epoch).exists():
            raise SelfCheckFailed(f"Epoch {row.epoch} was left behind: a later day is signed, and days are signed in order.")
    with actor(SYSTEM):
        position, previous = chain.locked_head()
        if ChainEntry.objects.filter(kind=ChainEntry.ATTESTATION, epoch=row.epoch).exists():
            return
        signer = chain.signer()
        assert signer is not None
        chain.append(
            kind=ChainEntry.ATTESTATION, epoch=row.epoch, position=position, previous=previous,
            text=attestation_of(row, depth=tree.depth, root=tree.root.hex(), previous=previous).text(), signers=(signer,),
        )  # fmt: skip


def _check(row: Attestation, tree: Tree, *, rows: bytes, whos: bytes, key: bytes) -> None:
    """The day's text is well-formed, and proofs lead to it: the first, the last and some between, as a stranger checks them."""
    verifier = published.verifier()
    owed = freeze.liabilities(rows, whos).balances
    attested = attestation_of(row, depth=tree.depth, root=tree.root.hex(), previous=texts.FIRST)
    some = {0, len(owed) - 1, *(randomness.randbelow(len(owed)) for _ in range(CHECKED))}
    try:
        parsed = verifier.parse(attested.text())
        for number in some:
            proof = proof_of(tree, number, key=key)
            who = whos[32 * number : 32 * number + 32]
            verifier.check_leaves(proof, who=who, balance=int(owed[number]), attestation=parsed)
    except verifier.Refused as refused:
        raise SelfCheckFailed(f"A proof of epoch {tree.epoch} does not hold: {refused.step}.") from refused


# -------------------------------------------------------------------------------------------------------- publishing
def publish() -> None:
    """Put every entry of the chain in every place where it is not yet, in order. Raises ChannelFailed for the first failure."""
    places = channels.configured()
    with actor(SYSTEM):
        entries = list(_unpublished([place.name for place in places]).order_by("position"))
        done = set(Publication.objects.filter(entry__in=entries).values_list("entry_id", "channel"))
    failed: ChannelFailed | None = None
    for entry in entries:
        for place in places:
            if (entry.pk, place.name) in done or (failed is not None and place.name == channels.Site.name):
                continue
            try:
                where = place.put(file_of(entry), bytes(entry.note))
                place.put(file_of(entry).replace(".txt", ".checkpoint"), bytes(entry.checkpoint))
            except ChannelFailed as error:
                log.warning("publication_failed", extra={"channel": place.name, "cause": str(error)})
                failed = failed or error
                continue
            except PublishedOtherwise as error:
                log.critical("published_otherwise", extra={"channel": place.name, "cause": str(error)})
                failed = failed or ChannelFailed(str(error))
                continue
            with actor(SYSTEM):
                Publication.objects.get_or_create(entry=entry, channel=place.name, defaults={"place": where})
    if failed is not None:
        raise failed


def _unpublished(places: Sequence[str]) -> QuerySet[ChainEntry]:
    """The entries that are not in all of these places yet."""
    there = Count("publications", filter=Q(publications__channel__in=places))
    return ChainEntry.objects.annotate(there=there).filter(there__lt=len(places))


def file_of(entry: ChainEntry) -> str:
    """Under which an entry is found in every place."""
    if entry.kind == ChainEntry.KEY:
        return f"key-{entry.position}.txt"
    return f"{cut_of(entry.epoch).date().isoformat()}.txt"


def change_key() -> ChainEntry:
    """From the next attestation on another key signs; the old one has signed for it. Published at once.

    While a change is not on our site yet, this goes on with it instead of making another key. Raises ChannelFailed.
    """
    with _alone():
        with actor(SYSTEM):
            entry = _unpublished([channels.Site.name]).filter(kind=ChainEntry.KEY).order_by("-position").first()
        entry = entry or chain.change_key(epoch=epoch_of(now()))
        publish()
    return entry


# ---------------------------------------------------------------------------------------------------- days long past
def carry_out_wishes() -> int:
    """An attestation that staff asked for, and old days' trees that somebody asked for; how many."""
    with actor(SYSTEM):
        wishes = list(Wish.objects.filter(done_at=None).order_by("id")[:20])
    for wish in wishes:
        outcome = "done"
        try:
            if wish.kind == Wish.ATTEST:
                attest()
            elif wish.epoch is not None and not files.is_there(wish.epoch):
                rebuild(epoch=wish.epoch)
        except _SomebodyElse:
            continue
        except (AlreadyAttested, NothingToAttest, BooksDisagree, SelfCheckFailed, NotAttested) as error:
            outcome = error.detail
        except ChannelFailed as error:
            outcome = f"Signed, and not yet published everywhere: {error}"
        with actor(SYSTEM):
            Wish.objects.filter(pk=wish.pk).update(done_at=database_time(), outcome=outcome[:500])
    return len(wishes)


def rebuild(*, epoch: int) -> None:
    """A day's tree once more. Raises NotAttested when the day has none, or its key was destroyed."""
    with actor(SYSTEM):
        row = Attestation.objects.filter(epoch=epoch, opened_at__isnull=False).first()
        if row is None or not DaySecret.objects.filter(epoch=epoch).exists():
            raise NotAttested
    _build(row)


def prune() -> list[int]:
    """Remove trees that are older than 35 days, except those that somebody asked for within a day."""
    today = epoch_of(now())
    with actor(SYSTEM):
        wanted = Wish.objects.filter(kind=Wish.REBUILD, done_at__gt=now() - timedelta(days=1)).values_list("epoch", flat=True)
        keep = {epoch for epoch in wanted if epoch is not None}
    return files.prune(today - files.KEEP_DAYS, keep=keep)


def day_key(*, epoch: int) -> bytes:
    """A day's key, for an auditor. Raises NotAttested when there is none, or it was destroyed."""
    with actor(SYSTEM):
        if not DaySecret.objects.filter(epoch=epoch).exists():
            raise NotAttested
    return _day_key(epoch)


def destroy_day(*, epoch: int) -> None:
    """Destroy a day's key at the end of the promised time: its tree can no longer be built, nor anybody's leaf be found.

    Raises NotAttested where there is none.
    """
    with actor(SYSTEM):
        if not DaySecret.objects.filter(epoch=epoch).delete()[0]:
            raise NotAttested
    files.remove(epoch)


# ------------------------------------------------------------------------------------------------------------- people
def enrol(*, user_id: int, nonce: str) -> str:
    """A person's own secret for their leaf, 64 hexadecimal digits made by themselves; it counts from the next attestation on.

    Raises ValidationError, RateLimited beyond ten others a day, and NoUsernameYet for somebody who would be found under another
    name tomorrow. The answer is the account's name in the tree; the same secret again changes nothing.
    """
    if re.fullmatch("[0-9a-f]{64}", nonce) is None or nonce == "0" * 64:
        raise ValidationError(fields={"nonce": "Your secret has 64 hexadecimal digits, and not all of them are zero."})
    secret = bytes.fromhex(nonce)
    with actor(user_id):
        if personal.named_at(user_id) is None:
            raise NoUsernameYet("Choose your @username first: your secret is bound to it.")
        account = personal.account_of(user_id)
        who = who_of(account, secret)
        newest = Enrolment.objects.filter(user_id=user_id).order_by("-id").first()
        if newest is None or bytes(newest.who) != who:
            if Enrolment.objects.filter(user_id=user_id, made_at__gt=now() - timedelta(days=1)).count() >= SECRETS_A_DAY:
                raise RateLimited("You have made many secrets today. Make another one tomorrow.", retry_after=24 * 3600)
            public_id = new_id("enr")
            sealed = secrets.seal_nonce(user_id, public_id, secret)
            Enrolment.objects.create(user_id=user_id, public_id=public_id, who=who, nonce_cipher=sealed)
    return account


def complain(*, user_id: int, epoch: int, step: str, expected: int | None, words: str) -> None:
    """A person's proof did not hold. Raises ValidationError without the step that failed, NotAttested, AlreadyComplained."""
    if not step.strip():
        raise ValidationError(fields={"step": "Name the step that failed."})
    with actor(user_id):
        if Complaint.objects.filter(user_id=user_id, epoch=epoch).exists():
            raise AlreadyComplained
        if archive.of_day(epoch) is None:
            raise NotAttested
        try:
            with transaction.atomic():
                Complaint.objects.create(user_id=user_id, epoch=epoch, step=step[:40], expected=expected, words=words[:1000])
        except IntegrityError as error:
            raise AlreadyComplained from error
    log.error("proof_complaint", extra={"position": epoch})


# -------------------------------------------------------------------------------------------------------------- staff
def wish_attestation(*, staff_id: int, reason: str) -> None:
    """Staff want today attested now. Raises Conflict in words when today has its attestation."""
    staff.call("transparency_wish_attestation", [staff.reason_of(reason)], staff_id=staff_id)


def answer_complaint(*, complaint: int, staff_id: int, reason: str) -> None:
    staff.call("transparency_answer_complaint", [complaint, staff.reason_of(reason)], staff_id=staff_id)
