"""Whose account it is: how well the holder's name and phone at the bank fit our person.

Asked once by the worker, after a bank was linked; kept with the account and shown to staff. It never blocks anything, and
many banks do not say.
"""

import logging
from datetime import timedelta

from django.db.models import F

from banking import plaid
from banking.models import BankAccount, BankIdentity
from banking.services import secrets as sealed
from core.actor import SYSTEM, actor
from core.clock import now
from core.outbox import emit
from core.resilience import ProviderDown, ProviderRejected
from users import queries as users

log = logging.getLogger("paya.banking")
FIRST_RETRY, LAST_RETRY = timedelta(seconds=30), timedelta(hours=6)
TRIES = 8
LEASE = timedelta(minutes=2)


def ask_for(account: BankAccount) -> None:
    """Have the holder of a new account asked for; in the transaction of its person."""
    defaults = {"user_id": account.user_id, "due_at": now()}
    _, new = BankIdentity.objects.get_or_create(account=account, defaults=defaults)
    if new:
        emit("bank_identity.due", account=account.pk)


def due(*, limit: int = 50) -> list[int]:
    with actor(SYSTEM):
        rows = BankIdentity.objects.filter(due_at__lte=now()).order_by("due_at")
        return list(rows.values_list("account_id", flat=True)[:limit])


def match(*, account_id: int) -> None:
    """Ask for the scores if they are due; repeats and races harmlessly, and gives up after some tries."""
    moment = now()
    with actor(SYSTEM):
        mine = BankIdentity.objects.filter(account=account_id, due_at__lte=moment)
        if mine.update(due_at=moment + LEASE, attempts=F("attempts") + 1) != 1:
            return
        row = BankIdentity.objects.select_related("account__item").get(account=account_id)
        account = row.account
        token = sealed.access_token(account.item)
    try:
        person = users.profiles_by_ids(user_ids=[row.user_id]).get(row.user_id)
        phone = users.phone(user_id=row.user_id)
        scores = plaid.match_identity(token, account.account_id, name=person.display_name if person else "", phone=phone)
    except ProviderDown:
        wait = min(LAST_RETRY, FIRST_RETRY * 2 ** min(row.attempts - 1, 12))
        _record(row, due_at=moment + wait if row.attempts < TRIES else None, outcome="no answer")
    except ProviderRejected as error:
        # Not every bank gives this product: that is an answer, too.
        _record(row, due_at=None, asked_at=moment, outcome=error.code)
    else:
        _record(row, due_at=None, asked_at=moment, name_score=scores.name, phone_score=scores.phone, outcome="")


def _record(row: BankIdentity, **columns: object) -> None:
    with actor(SYSTEM):
        BankIdentity.objects.filter(pk=row.pk).update(**columns)
