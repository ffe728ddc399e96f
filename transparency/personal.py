"""What one person is given to check with: their proof of a day, and a signed statement of what their leaf should say."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from core.actor import actor
from core.errors import NotFound
from payments import queries as payments
from transparency import archive
from transparency.attesting import chain, files, secrets
from transparency.errors import NotAttested, NotInTree
from transparency.models import Enrolment
from transparency.proofs.attestation import Receipt, Statement
from transparency.proofs.note import sign
from transparency.proofs.records import NO_NONCE


@dataclass(frozen=True)
class Proof:
    """`proof` is all that comes from us; account, nonce and balance are claims that the person has to confirm."""

    epoch: int
    account: str
    nonce: bytes
    balance: int
    proof: bytes
    statement: bytes


def proof(*, user_id: int, epoch: int | None = None) -> Proof:
    """A person's proof of a day, of the latest one without a day.

    Raises NotAttested, NotInTree, and ProofNotReady (having asked for it) when the day's tree has to be built again.
    """
    with actor(user_id):
        account_of(user_id)  # whoever asks is somebody: nothing else is looked at before
    entry = archive.latest() if epoch is None else archive.of_day(epoch)
    day = _day(entry.epoch) if entry is not None else None
    if entry is None or day is None:
        raise NotAttested
    instant, depth, cipher = day
    if not files.is_there(entry.epoch):
        _wish_rebuild(entry.epoch)
    found = files.find(entry.epoch, user_id)
    if found is None:
        raise NotInTree
    place, balance = found
    made = files.proof(entry.epoch, depth, place, key=secrets.open_day_key(entry.epoch, cipher))
    with actor(user_id):
        account = account_of(user_id, before=instant)
        nonce = nonce_of(user_id, before=instant)
        with connection.cursor() as cursor:
            cursor.execute("select transparency_entry_at(%s, %s)", [user_id, instant])
            number = int(cursor.fetchone()[0])
    said = Statement(settings.ATTESTATION_ORIGIN, entry.epoch, account, balance, number, entry.digest)
    signer = chain.signer(at=entry.signed_at)
    assert signer is not None
    return Proof(entry.epoch, account, nonce, balance, made, sign(said.text(), signer))


def receipt(*, user_id: int, payment: str) -> bytes:
    """A payment as this person's own account has it, signed. Raises NotFound for anybody else's, NotAttested before the
    first attestation, with which the signing key is made."""
    with actor(user_id):
        row = payments.payment(user_id, payment)
        account = account_of(user_id)
        with connection.cursor() as cursor:
            cursor.execute(
                "select e.entry, e.amount, e.balance, e.posted_at from payments_payment p,"
                " transparency_own_entry(%s, p.transfer) e where p.id = %s",
                [user_id, row.pk],
            )
            found = cursor.fetchone()
    signer = chain.signer()
    if signer is None:
        raise NotAttested("Nothing has been signed yet. Ask again after the first attestation.")
    if found is None:
        raise NotFound
    entry, amount, balance, at = found
    head = archive.latest().digest
    return sign(Receipt(settings.ATTESTATION_ORIGIN, account, entry, row.id, amount, balance, at, head).text(), signer)


def account_of(user_id: int, *, before: datetime | None = None) -> str:
    """By which others pay this person; a wallet's id for somebody who had yet to choose a name. Needs the person as actor."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(p.username, w.public_id) from wallets_wallet w left join users_profile p"
            " on p.user_id = w.user_id and p.created_at < coalesce(%s::timestamptz, 'infinity') where w.user_id = %s",
            [before, user_id],
        )
        return str(cursor.fetchone()[0])


def named_at(user_id: int) -> datetime | None:
    """Since when this person has had the name by which they find themselves in the tree. Needs the person as actor."""
    with connection.cursor() as cursor:
        cursor.execute("select created_at from users_profile where user_id = %s", [user_id])
        row = cursor.fetchone()
    return row[0] if row else None


def nonce_of(user_id: int, *, before: datetime | None = None) -> bytes:
    """The secret that counted before a moment, or counts next; zeros for somebody who has made none. Needs the actor."""
    rows = Enrolment.objects.filter(user_id=user_id)
    if before is not None:
        rows = rows.filter(made_at__lt=before)
    newest = rows.order_by("-id").first()
    return NO_NONCE if newest is None else secrets.open_nonce(user_id, newest.public_id, newest.nonce_cipher)


def _day(epoch: int) -> tuple[datetime, int, bytes] | None:
    with connection.cursor() as cursor:
        cursor.execute("select instant, depth, key_cipher from transparency_day(%s)", [epoch])
        row = cursor.fetchone()
    return None if row is None else (row[0], row[1], bytes(row[2]))


def _wish_rebuild(epoch: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select transparency_wish_rebuild(%s)", [epoch])
