"""Telling people something in words, in the transaction of what it is about (sql/0002_letters.sql)."""

from django.db import connection

from compliance.models import Letter
from core.actor import actor
from core.clock import now
from core.errors import NotFound


def tell(*, user_id: int, kind: str, title: str, body: str, about: str = "") -> None:
    """A letter to a person, and the wake-up of their open pages; as a worker. Staff's functions call `compliance_tell`."""
    with connection.cursor() as cursor:
        cursor.execute("select compliance_tell(%s, %s, %s, %s, %s)", [user_id, kind, title, body, about])


def mark_read(*, user_id: int, letter: str) -> Letter:
    """The letter, read from now on; again, nothing changes. Raises NotFound for somebody else's."""
    with actor(user_id):
        Letter.objects.filter(user_id=user_id, public_id=letter, read_at=None).update(read_at=now())
        row = Letter.objects.filter(user_id=user_id, public_id=letter).first()
    if row is None:
        raise NotFound
    return row


def mark_all_read(*, user_id: int, newest: str) -> None:
    """All letters up to this one count as read; what came after it does not. Raises NotFound for somebody else's."""
    with actor(user_id):
        last = Letter.objects.filter(user_id=user_id, public_id=newest).first()
        if last is None:
            raise NotFound
        Letter.objects.filter(user_id=user_id, pk__lte=last.pk, read_at=None).update(read_at=now())
