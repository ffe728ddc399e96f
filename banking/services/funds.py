"""What speaks against asking a bank for money, looked at by the worker just before it does.

Nobody waits for this, no transaction is open, and it only ever says no when it is sure: a bank that does not tell, or takes too
long, is asked for the money all the same (it returns what it cannot pay).
"""

import logging

from banking import plaid
from banking.models import BankAccount
from banking.services import secrets as sealed
from core import resilience
from core.actor import SYSTEM, actor
from core.resilience import ProviderDown, ProviderRejected

log = logging.getLogger("paya.banking")
# Kept as the failure code of the transfer, beside the network's own (banking/show.py has the words).
TOO_LITTLE, WITHDRAWN = "balance", "revoked"


def objection(*, account_id: int, amount: int) -> str:
    """Why `amount` cents must not be asked of this account: a failure code, or nothing."""
    with actor(SYSTEM):
        account = BankAccount.objects.select_related("item").get(pk=account_id)
        if account.status == BankAccount.Status.REVOKED:
            return WITHDRAWN
        if account.status != BankAccount.Status.ACTIVE:
            return ""
        token = sealed.access_token(account.item)
    if resilience.health("plaid").status == "down":
        return ""
    try:
        there = plaid.balance(token, account.account_id)
    except (ProviderDown, ProviderRejected) as error:
        log.info("balance_unknown", extra={"account": account.public_id, "cause": str(error)})
        return ""
    return TOO_LITTLE if there is not None and there < amount else ""
