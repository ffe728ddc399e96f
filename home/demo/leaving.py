"""Somebody who came, looked around, and closed the account: nothing was in it, so it was closed at once. No code is sent."""

from datetime import datetime, timedelta

from core.clock import at_time
from privacy.services import closing
from users import services as users

PHONE, USERNAME, NAME = "+12125550198", "remy", "Remy Aucoin"


def tell(end: datetime) -> None:
    with at_time(end - timedelta(days=12)):
        person = users.sign_up(phone=PHONE).id
        users.welcome(user_id=person, username=USERNAME, display_name=NAME, default_visibility="private")
    with at_time(end - timedelta(days=3)):
        left = closing.begin(user_id=person, device_id=None)
    with at_time(end - timedelta(days=3) + timedelta(minutes=1)):
        closing.advance(closing_id=left.pk)
