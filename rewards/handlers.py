"""What the relay does with rewards: wake up those who were credited."""

from django.db import connection

from core import live, outbox
from core.actor import SYSTEM, actor
from rewards.models import Run


@outbox.handler("rewards.credited")
def tell_people(rows: list[outbox.Row]) -> None:
    """One row is a chunk of people: the balance on their open pages changes, and says why."""
    for row in rows:
        with actor(SYSTEM), connection.cursor() as cursor:
            week = Run.objects.values_list("week", flat=True).get(pk=row.payload["run"])
            chunk = [row.payload[name] for name in ("run", "first", "last")]
            cursor.execute("select user_id from rewards_credited(%s, %s, %s)", chunk)
            people = [user for (user,) in cursor.fetchall()]
        if people:
            live.publish([{"topic": "me", "user": user, "kind": "reward", "ref": week} for user in people])


@outbox.handler("rewards.announced")
def tell_everybody(rows: list[outbox.Row]) -> None:
    """The public figures changed: whoever shows them looks again."""
    live.publish([{"topic": "rewards"}])
