"""Erasing a person: their data keys are destroyed, and every column that names them is emptied. The ledger stays as it is.

What happens to which column stands in privacy/register.py and privacy/sql; docs/privacy.md has it in words.
"""

import secrets
from datetime import datetime, timedelta

from django.db import connection

from banking.services import closing as banks
from core import keyring
from privacy.models import LegalHold
from privacy.services import retention
from users.models import Profile
from users.queries import CLOSED

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def erase_after(user_id: int, closed_at: datetime) -> datetime:
    """When the last clock has run out: records, disputes, and returns of what settled last. As the periods are now; as SYSTEM."""
    after = closed_at + timedelta(days=max(retention.days("records"), retention.days("disputes")))
    last = banks.last_settled(user_id)
    if last is not None and last.settled_at is not None:
        after = max(after, last.settled_at + timedelta(days=retention.days("returns")))
    return after


def is_held(user_id: int) -> bool:
    """Whether staff keep this person's data for a court or an authority. As SYSTEM."""
    return LegalHold.objects.filter(user_id=user_id, lifted_at=None).exists()


def erase(*, user_id: int) -> None:
    """Erase a person whose account is closed; in the caller's transaction, as SYSTEM, under the guard. Again, nothing happens."""
    profile = Profile.objects.filter(user_id=user_id).first()
    known = profile is not None and not profile.username.startswith(CLOSED)
    index = keyring.blind_index("username", profile.username) if profile is not None and known else None
    name = CLOSED + "".join(secrets.choice(_LETTERS) for _ in range(12))
    with connection.cursor() as cursor:
        cursor.execute("select privacy_erase(%s, %s, %s)", [user_id, index, name])
    keyring.destroy_person_keys(user_id)
