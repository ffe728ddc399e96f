"""A payment that waits for staff: money that goes on at once, from one new account to another, by somebody who is abroad."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from compliance.movement import Origin
from core.clock import at_time
from payments import services as payments
from users import services as users

PEOPLE = (("+12125550177", "vic", "Vic Moran"), ("+12125550178", "lou", "Lou Harker"))


def tell(people: Mapping[str, int], end: datetime) -> None:
    """Two sign up, one of them is paid, and passes it on within a minute; after everything else of the story."""
    joined = {}
    for seconds, (phone, username, name) in zip((170, 160), PEOPLE, strict=True):
        with at_time(end - timedelta(seconds=seconds)):
            joined[username] = users.sign_up(phone=phone).id
            users.welcome(user_id=joined[username], username=username, display_name=name, default_visibility="public")

    def pay(seconds: int, payer: int, to: str, note: str, origin: Origin) -> None:
        with at_time(end - timedelta(seconds=seconds)):
            payments.pay(payer_id=payer, to=to, amount=24_00, note=note, visibility="public", key=None, origin=origin)

    pay(120, people["theo"], "vic", "Concert ticket", Origin())
    pay(60, joined["vic"], "lou", "As agreed", Origin(country="NG"))
