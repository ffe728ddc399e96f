from django.db import connection

from core.actor import actor
from core.api import has_control, is_visible
from core.errors import ValidationError
from core.ids import new_id
from rewards import queries
from rewards.errors import AppealedBefore
from rewards.models import Appeal
from rewards.weeks import Week

LONGEST = 1000


def readable(text: str) -> str:
    """Several lines of what people write to each other, tidied; empty where there is nothing to read, or too much."""
    said = "\n".join(line.strip() for line in text.splitlines()).strip()
    fits = len(said) <= LONGEST and is_visible(said) and not has_control(said.replace("\n", " "))
    return said if fits else ""


def appeal(*, user_id: int, week: Week, message: str) -> Appeal:
    """Ask staff about one's reward of a closed week, once a week; the same words again change nothing.

    Raises NoSuchWeek, AppealedBefore or ValidationError.
    """
    said = readable(message)
    if not said:
        raise ValidationError(fields={"message": f"Tell us in up to {LONGEST} characters what you think went wrong."})
    with actor(user_id):
        queries.persons_week(user_id, week)
        with connection.cursor() as cursor:  # in words of our own: the answer's columns are not this role's to write
            cursor.execute(
                "insert into rewards_appeal (public_id, user_id, week, message) values (%s, %s, %s, %s) on conflict do nothing",
                [new_id("apl"), user_id, week.name, said],
            )
        row = Appeal.objects.get(user_id=user_id, week=week.name)
        if row.message != said:
            raise AppealedBefore
    return row
