"""What speaks against asking a bank for money, looked at by the worker just before it does.

Nobody waits for this, no transaction is open, and it only ever says no when it is sure: a bank that does not tell, or takes too
long, is asked for the money all the same (it returns what it cannot pay). A login of which Plaid says at that moment that it is
broken, or its permission withdrawn, is no longer ours to use: it is marked so, and the bank is not asked.
"""

import logging

from banking import advice, plaid
from banking.models import BankAccount
from banking.services import secrets as sealed
from banking.services import upkeep
from core import resilience
from core.actor import SYSTEM, actor
from core.resilience import ProviderDown, ProviderRejected

log = logging.getLogger("paya.banking")
# Kept as the failure code of the transfer, beside the network's own (banking/show.py has the words).
TOO_LITTLE, WITHDRAWN, LOGGED_OUT = "balance", "revoked", "relink"
_UNUSABLE = {BankAccount.Status.REVOKED.value: WITHDRAWN, BankAccount.Status.RELINK.value: LOGGED_OUT}


def objection(*, account_id: int, amount: int) -> str:
    """Why `amount` cents must not be asked of this account: a failure code, or nothing."""
    with actor(SYSTEM):
        account = BankAccount.objects.select_related("item").get(pk=account_id)
        if account.status != BankAccount.Status.ACTIVE:
            return _UNUSABLE.get(account.status, "")
        token = sealed.access_token(account.item)
    if resilience.health("plaid").status == "down":
        return ""
    try:
        there = plaid.balance(token, account.account_id)
    except ProviderDown as error:
        log.info("balance_unknown", extra={"account": account.public_id, "cause": str(error)})
        return ""
    except ProviderRejected as error:
        return _refused(account, error.code)
    return TOO_LITTLE if there is not None and there < amount else ""


def _refused(account: BankAccount, code: str) -> str:
    log.info("balance_refused", extra={"account": account.public_id, "code": code})
    gone = code in advice.LOGIN_GONE
    if not gone and code not in advice.LOGIN_BROKEN:
        return ""
    upkeep.fails(account.item, acting=SYSTEM, gone=gone)
    return WITHDRAWN if gone else LOGGED_OUT
