"""What a person may know of their limits and letters. All of it inside `with actor(...)`."""

from django.db import connection

from compliance.limits import Limit
from compliance.models import Letter, LimitName
from core.actor import actor
from core.errors import NotFound
from wallets.errors import wallet_errors


def limits_of(user_id: int) -> list[Limit]:
    """Every limit that applies to this person now, how much of it is used and when there is room again.

    From the ledger's journal and the wallet's row; raises NotYours for somebody else.
    """
    with wallet_errors(), connection.cursor() as cursor:
        cursor.execute("select name, tier, lim, used, resets_at, beyond from compliance_limits_of(%s)", [user_id])
        return [
            Limit(LimitName(name), tier, limit, used, resets_at, beyond or 0)
            for name, tier, limit, used, resets_at, beyond in cursor.fetchall()
        ]


def limits_by_name(user_id: int) -> dict[LimitName, Limit]:
    return {one.name: one for one in limits_of(user_id)}


def letters(user_id: int, *, before: int | None = None, limit: int = 20) -> list[Letter]:
    """The newest letters to this person, one more than `limit`."""
    rows = Letter.objects.filter(user_id=user_id, id__lt=before or 2**63 - 1)
    return list(rows.order_by("-id")[: limit + 1])


def letter(user_id: int, public_id: str) -> Letter:
    """One letter to this person, in a transaction of its own. Raises NotFound for somebody else's."""
    with actor(user_id):
        row = Letter.objects.filter(user_id=user_id, public_id=public_id).first()
    if row is None:
        raise NotFound
    return row


def unread_letters(user_id: int) -> int:
    return Letter.objects.filter(user_id=user_id, read_at=None).count()


def words_for(user_id: int, kind: str, ref: str) -> dict[str, str] | None:
    """What the person's open pages say when a letter arrives; ref is the letter."""
    row = Letter.objects.filter(user_id=user_id, public_id=ref).first()
    return None if row is None else {"text": row.title, "url": f"/messages/{row.public_id}"}
