"""Closing an account: locked at once, emptied to the bank, closed when nothing is pending, erased after the last clock.

One row is the state (`Closing`), `due_at` says when somebody looks at it again, and each step is one transaction under the
person's guard: whatever is killed goes on where it was. What an open closing waits for is worked out anew each time, from the
rows themselves, and shown to the person in words.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q

from banking.services import closing as banks
from banking.show import named
from compliance.models import LimitName
from compliance.queries import limits_by_name
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import AccountFrozen, NotFound
from core.ids import derived_reference, new_id, new_reference
from core.outbox import emit
from payments.models import Payment
from privacy.errors import NeedsBank, TooLateToStay
from privacy.models import Closing, Export
from privacy.services import erasing
from users import services as users
from wallets import queries as wallet_queries
from wallets import services as wallets
from wallets.errors import OwesMoney
from wallets.services import Freeze, Guarded

log = logging.getLogger("paya.privacy")

AGAIN = timedelta(seconds=10 if settings.SANDBOX else 600)
State = Closing.State

# What an open closing may wait for, in words for its person.
WAITS = {
    "load": "A load from your bank is still on its way.",
    "redemption": "Money is on its way to your bank.",
    "payment": "A payment of yours is being looked at.",
    # Of some reviews a person is not told: these words are true of whatever it is.
    "case": "Something about your account has to be finished first. You need not do anything.",
    "frozen": "Your account is restricted. We have written to you why; the closing goes on when that has ended.",
    "owed": "Your bank has taken a load back, so you owe us that amount. Please write to us how to repay it.",
    "new": "Money can go to a bank once an account is 14 days old.",
    "unseasoned": "Your bank can still take back what you loaded lately. That part goes to it when the time is over.",
    "bank": "No bank of yours can be used. Keep your account, link a bank again, and close it then.",
    "vendors": "We are telling the companies that moved your money that they should forget your bank.",
}  # fmt: skip


# ------------------------------------------------------------------------------------------------ what a person asks for
@dataclass(frozen=True)
class Outlook:
    """What would happen to a person's money if they closed their account now. Amounts in cents.

    `refused` says in words why it cannot be closed, `refused_for` is that error's code; both are empty where it can.
    """

    available: int
    refused: str
    refused_for: str
    bank: str
    too_little: bool
    waits_for: Sequence[str]

    @property
    def waits(self) -> list[str]:
        return [WAITS[one] for one in self.waits_for]


def outlook(*, user_id: int) -> Outlook:
    """What the page says before anybody confirms anything."""
    with actor(user_id):
        held = wallet_queries.wallet(user_id)
        refused = refused_for = ""
        try:
            _refuse(held)
        except (AccountFrozen, OwesMoney, NeedsBank) as error:
            refused, refused_for = error.detail, error.code
        account = banks.usable_account(user_id)
        bank = named(account) if account else ""
        too_little = 0 < held.available < banks.minimum()
        waits_for = _pending(held) if not refused else []
        return Outlook(held.available, refused, refused_for, bank, too_little, waits_for)


def close_account(*, user_id: int, device_id: int | None, challenge: str, code: str) -> Closing:
    """Close this person's account, confirmed by a fresh code to their phone. Locked from now on; other devices are logged out.

    Once it is closing, it is answered as it is and the code is not looked at. Raises CodeRefused, RateLimited; AccountFrozen,
    OwesMoney, NeedsBank.
    """
    running = closing_of(user_id=user_id)
    if running is not None:
        return running
    with actor(user_id):
        _refuse(wallet_queries.wallet(user_id))
    users.confirm_code(user_id=user_id, challenge=challenge, code=code, purpose=users.Purpose.CLOSE)
    return begin(user_id=user_id, device_id=device_id)


def begin(*, user_id: int, device_id: int | None) -> Closing:
    """Close the account of somebody who has confirmed it. Raises as `close_account` does, but for the code."""
    with actor(user_id):
        held = wallets.guard(user_id=user_id)
        if (running := _running(user_id)) is not None:
            return running  # the same wish, twice at a time
        _refuse(held)
        with connection.cursor() as cursor:
            cursor.execute("select privacy_begin_closing(%s, %s)", [user_id, new_id("clo")])
        users.log_out_everywhere(user_id=user_id, but=device_id)
        emit("wallet.changed", user=user_id, kind="frozen", ref="")
        return Closing.objects.get(user_id=user_id, state=State.OPEN)


def keep_account(*, user_id: int) -> None:
    """They have changed their mind. Raises NotFound where nothing is being closed, TooLateToStay once money has been sent."""
    with actor(user_id):
        running = _running(user_id)
        if running is None:
            raise NotFound("You are not closing your account.")
        with connection.cursor() as cursor:
            cursor.execute("select privacy_cancel_closing(%s)", [user_id])
            if not cursor.fetchone()[0]:
                raise TooLateToStay
        emit("wallet.changed", user=user_id, kind="unfrozen", ref="")


def closing_of(*, user_id: int) -> Closing | None:
    """The closing of this person's account that is under way or done; None where there is none."""
    with actor(user_id):
        return _running(user_id)


def _running(user_id: int) -> Closing | None:
    return Closing.objects.filter(user_id=user_id).exclude(state=State.CANCELLED).first()


def _refuse(held: Guarded) -> None:
    if held.frozen != Freeze.NONE:
        raise AccountFrozen(
            f"Your account is frozen: {held.frozen_reason} It can be closed when that has ended.", reason=held.frozen_reason
        )
    if held.owed > 0:
        raise OwesMoney(held.owed)
    if held.available >= banks.minimum() and banks.usable_account(held.user_id) is None:
        raise NeedsBank


# ------------------------------------------------------------------------------------------------ what the worker does
def due(*, limit: int = 100) -> list[int]:
    """Closings that somebody has to look at."""
    with actor(SYSTEM):
        return list(Closing.objects.filter(due_at__lte=now()).order_by("due_at").values_list("pk", flat=True)[:limit])


def advance(*, closing_id: int) -> None:
    """Go on with a closing as far as it goes now. Repeats harmlessly; raises IdempotencyInProgress while the guard is taken."""
    with actor(SYSTEM):
        closing = Closing.objects.filter(pk=closing_id, due_at__lte=now()).first()
        if closing is None:
            return
        held = wallets.guard(user_id=closing.user_id)
        closing.refresh_from_db()
        if closing.state == State.OPEN:
            _empty(closing, held)
        elif closing.state == State.CLOSED:
            _erase_when_due(closing, held)


def _empty(closing: Closing, held: Guarded) -> None:
    """Send away what may go, and close the account when there is nothing left to wait for."""
    waits_for = [*_pending(held), *(["frozen"] if _is_restricted(closing.user_id) else [])]
    stopped = {"case", "frozen", "owed", "new"}.intersection(waits_for)
    if held.available and not stopped:
        sent = _send(closing, held)
        waits_for = [*waits_for, *sent]
    waits_for = sorted(set(waits_for), key=list(WAITS).index)
    if not waits_for:
        held = wallets.guard(user_id=closing.user_id)
        if (held.available, held.held, held.pending_in, held.pending_out) == (0, 0, 0, 0):
            _close(closing)
            return
    Closing.objects.filter(pk=closing.pk).update(waits_for=waits_for, due_at=now() + AGAIN)


def _pending(held: Guarded) -> list[str]:
    """What has to be over before the account can be closed; of WAITS."""
    user_id = held.user_id
    found = sorted(banks.under_way(user_id))
    reviewed = Q(payer_id=user_id) | Q(payee_id=user_id)
    if held.held or Payment.objects.filter(reviewed, status__in=["held", "in_review"]).exists():
        found.append("payment")
    if _is_looked_into(user_id):
        found.append("case")
    if held.owed:
        found.append("owed")
    if held.available and LimitName.DAYS_BEFORE_REDEEMING in limits_by_name(user_id):
        found.append("new")
    return found


def _is_looked_into(user_id: int) -> bool:
    """Open cases, disputes included, each of which has one. Staff's rows: the person's own process may not read them."""
    with connection.cursor() as cursor:
        cursor.execute("select privacy_is_looked_into(%s)", [user_id])
        return bool(cursor.fetchone()[0])


def _is_restricted(user_id: int) -> bool:
    """Frozen by somebody or something else since the closing began: it is no way around that."""
    with connection.cursor() as cursor:
        cursor.execute("select privacy_restricted(%s)", [user_id])
        return bool(cursor.fetchone()[0])


def _send(closing: Closing, held: Guarded) -> list[str]:
    """Send what may go now; what that leaves to wait for."""
    fresh = limits_by_name(held.user_id).get(LimitName.UNSEASONED_REDEEMABLE)
    free = held.available if fresh is None or fresh.remaining is None else min(held.available, fresh.remaining + fresh.beyond)
    waits_for = ["unseasoned"] if free < held.available else []
    if free < banks.minimum():
        if free < held.available:
            return waits_for
        _set_aside(closing, held)
        return []
    account = banks.usable_account(held.user_id)
    if account is None:
        return ["bank"]
    banks.send_rest(user_id=held.user_id, amount=free, account=account)
    Closing.objects.filter(pk=closing.pk).update(swept=closing.swept + free)
    return [*waits_for, "redemption"]


def _set_aside(closing: Closing, held: Guarded) -> None:
    """No rail carries so little. It stays the person's, in suspense; no account that is closed can hold it."""
    reference = derived_reference(new_reference(), closing.public_id)
    wallets.set_aside(user_id=held.user_id, reference=reference, amount=held.available)
    Closing.objects.filter(pk=closing.pk).update(aside=closing.aside + held.available)


def _close(closing: Closing) -> None:
    user_id, moment = closing.user_id, now()
    after = erasing.erase_after(user_id, moment)
    wallets.close_wallet(user_id=user_id)
    banks.forget_banks(user_id)
    users.close_account(user_id=user_id)
    Closing.objects.filter(pk=closing.pk).update(
        state=State.CLOSED, waits_for=[], closed_at=moment, due_at=moment + AGAIN, erase_after=after
    )
    emit("account.closed", user=user_id)
    log.info("account_closed", extra={"closing": closing.public_id})


def _erase_when_due(closing: Closing, held: Guarded) -> None:
    """The clocks are read anew each time: staff may have changed them, or keep the data for a court."""
    assert closing.closed_at is not None
    after = erasing.erase_after(closing.user_id, closing.closed_at)
    waits_for = _keeps(held) if after <= now() else []
    if after > now() or waits_for:
        again = max(now() + timedelta(days=1), min(after, now() + timedelta(days=7)))
        Closing.objects.filter(pk=closing.pk).update(erase_after=after, waits_for=waits_for, due_at=again)
        return
    wallets.close_debts(user_id=closing.user_id)
    erasing.erase(user_id=closing.user_id)
    Closing.objects.filter(pk=closing.pk).update(
        state=State.ERASED, erased_at=now(), erase_after=after, waits_for=[], due_at=None
    )
    log.info("person_erased", extra={"closing": closing.public_id})


def _keeps(held: Guarded) -> list[str]:
    """Why an erasure that is due is put off."""
    found = [name for name, there in (("owed", held.owed > 0), ("case", _is_looked_into(held.user_id))) if there]
    if erasing.is_held(held.user_id):
        found.append("hold")
    over = [Export.Status.EXPIRED, Export.Status.FAILED]
    if Export.objects.filter(user_id=held.user_id).exclude(status__in=over).exists():
        found.append("copy")  # its file goes within a day
    if banks.telling_vendors(held.user_id):
        found.append("vendors")
    return found
