"""What staff did in the demo network: the trail has something in it, and an adjustment waits for a second person's approval.

Those who act are there before the passwords of a local run are (`create_staff --given`): until then nobody can log in as them.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from banking.services import corrections
from compliance.models import Case, Ticket
from compliance.services import cases, freezes, support
from core.actor import SYSTEM, actor
from core.clock import at_time
from core.ids import new_id
from users.models import User

ROLES = ("support", "compliance", "finance")
NOTE = (
    "Called her back under the number that we have. She says that she knows the device, it is her brother's; he answers by "
    "Wednesday. Somebody else decides on her appeal."
)


def tell(people: Mapping[str, int], end: datetime) -> None:
    """Just now, as staff themselves would: the trail's own times are the clock's, whatever the story says."""
    with at_time(end):
        staff = {role: _member(role) for role in ROLES}
        with actor(SYSTEM):
            ids = dict(User.objects.filter(pk__in=people.values()).values_list("pk", "public_id"))
            ticket = Ticket.objects.get(user_id=people["max_power"]).public_id
            flagged = Case.objects.get(user_id=people["otis"], kind="flag", status="open").public_id
        freezes.note_person(person=ids[people["greta"]], note=NOTE, staff_id=staff["support"])
        support.give(thing=ticket, staff_id=staff["support"], reason="I was on the phone with him yesterday")
        corrections.ask(
            kind="adjustment_credit", amount=5_00, person=ids[people["max_power"]], staff_id=staff["support"],
            reason=f"His load was sent a day late, which was our fault: {ticket}",
        )  # fmt: skip
        corrections.ask(
            kind="adjustments_operations", amount=20_00, person=None, staff_id=staff["finance"],
            reason="For small goodwill of this month, as agreed on Monday",
        )  # fmt: skip
        cases.take(case=flagged, staff_id=staff["compliance"], reason="It belongs to the appeal about the same payments")
        cases.note(
            case=flagged, staff_id=staff["compliance"],
            note="Six payments in an hour to the same person, each below fifteen dollars. It reads like a bill that was split.",
        )  # fmt: skip


def _member(role: str) -> int:
    with actor(SYSTEM):
        made = User.objects.create(public_id=new_id("usr"), kind=User.STAFF, email=f"{role}@paya.test", password="!").pk
        with connection.cursor() as cursor:
            cursor.execute("insert into console_staffrole (user_id, role) values (%s, %s)", [made, role])
    return int(made)
