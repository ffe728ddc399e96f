"""What people of the demo network ask of staff: two tickets, of which one is answered, an appeal, a report whose clock runs."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection

from compliance.models import Dispute
from compliance.services import letters, support
from core.actor import SYSTEM, actor
from core.clock import at_time
from core.ids import new_id
from payments.models import Payment
from users.models import User


def tell(people: Mapping[str, int], end: datetime) -> None:
    """In the order in which it happened; who answered then is no longer here."""
    with at_time(end - timedelta(days=3, hours=2)):
        ticket = support.write_ticket(
            user_id=people["bea"], subject="Can two people share one account?",
            message="My sister and I pay our rent together.\n\nCan we both log in to my account, or is there something better?",
        )  # fmt: skip
    with at_time(end - timedelta(days=2, hours=21)), actor(SYSTEM):
        _answer(
            ticket.public_id,
            "Please don't share an account: whoever has your code has your money.\n\nYour sister can have one of her own in two "
            "minutes, and pay you her half with a private payment.",
        )
    with at_time(end - timedelta(days=2, hours=3)), actor(SYSTEM):
        letters.tell(
            user_id=people["otis"], kind="review", title="We looked at some of your payments",
            body="You paid the same person many times within an hour. We asked ourselves why, and are watching the account for a "
            "while. You can use it as before.\n\nIf you think that this is wrong, ask us to look again.",
        )  # fmt: skip
    letter = _newest_letter(people["otis"])
    with at_time(end - timedelta(days=1, hours=6)):
        why = "We were splitting a bill that kept growing. Please look again."
        support.appeal(user_id=people["otis"], about=letter, message=why)
    with at_time(end - timedelta(days=1)):
        _report(people["leila"])
    with at_time(end - timedelta(hours=2)):
        support.write_ticket(
            user_id=people["max_power"], subject="My load is not here yet",
            message="I loaded money on Friday. My bank says that it has left. When does it arrive?",
        )  # fmt: skip


def _answer(ticket: str, words: str) -> None:
    staff = User.objects.create(public_id=new_id("usr"), kind=User.STAFF, email="rosa@paya.test", is_active=False)
    with connection.cursor() as cursor:
        cursor.execute("select compliance_write_answer(%s, %s, %s, false)", [ticket, staff.pk, words])


def _newest_letter(user_id: int) -> str:
    from compliance import queries

    with actor(user_id):
        return str(queries.letters(user_id, limit=1)[0].public_id)


def _report(user_id: int) -> None:
    with actor(user_id):
        paid = Payment.objects.filter(payer_id=user_id, status="completed").latest("id").public_id
    support.report(
        user_id=user_id, about=paid, kind=Dispute.Kind.DUPLICATE,
        message="I pressed the button once, and it says that I paid twice. The second one is not mine.",
    )  # fmt: skip
