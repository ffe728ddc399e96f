"""One frozen account, so that support sees what it looks like: frozen some days ago, told why; appeal and withdrawal wait."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from compliance.services import freezes, support
from core.actor import SYSTEM, actor
from core.clock import at_time
from wallets.services import Freeze

WHO, LEFT = "greta", 1_000
TOLD = (
    "Somebody who is not you may have used your account: two payments came from a device that we do not know. We have asked you "
    "about them, and open your account again once you have answered."
)
APPEAL = (
    "Both payments were mine. I was at my brother's and used his phone, because mine is being repaired.\n\nPlease open my "
    "account again, my rent is due on the first."
)


def tell(people: Mapping[str, int], accounts: Mapping[str, str], end: datetime) -> None:
    with at_time(end - timedelta(days=3, hours=2)):
        freezes.freeze_by_command(user_id=people[WHO], level=Freeze.SENDING, reason=TOLD)
    with at_time(end - timedelta(days=1, hours=3)):
        support.appeal(user_id=people[WHO], about="", message=APPEAL)
    with at_time(end - timedelta(hours=22)), actor(SYSTEM):
        freezes.ask_withdrawal(user_id=people[WHO], amount=LEFT, bank_account=accounts[WHO])
