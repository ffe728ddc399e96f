"""The banks that exist at Plaid, and how a login there comes to be, with accounts of its own."""

import secrets
import uuid
from datetime import timedelta

from django.utils import timezone

from sandbox import bank
from sandbox.models import BankAccount, Item, ProcessorToken, PublicToken

PUBLIC_TOKEN_LIFE = timedelta(minutes=30)

# Plaid's own sandbox banks, and one of ours whose accounts fail in the ways that Dwolla's names ask for.
INSTITUTIONS = {
    "ins_109508": "First Platypus Bank",
    "ins_109509": "First Gingham Credit Union",
    "ins_109510": "Tattersall Federal Credit Union",
    "ins_109511": "Tartan Bank",
    "ins_127287": "Platypus OAuth Bank",
    "ins_900001": "Bank of Bad Luck",
    "ins_900002": "Bank of Closed Doors",
}
# Where a person logs in on the bank's own site; where nobody learns balances or owners; where nobody is let in.
OAUTH, QUIET, CLOSED = "ins_127287", "ins_109510", "ins_900002"
CLOSED_REASONS = {  # what Link ends with there
    "INSTITUTION_DOWN": "The bank is not answering",
    "ITEM_LOCKED": "The login is locked",
    "NO_AUTH_ACCOUNTS": "No checking or savings account",
    "PRODUCTS_NOT_SUPPORTED": "The bank does not share numbers",
    "INSTITUTION_NO_LONGER_SUPPORTED": "The bank cannot be linked any more",
}
BAD_LUCK = "ins_900001"
BAD_LUCK_ACCOUNTS = {
    "R01": "No money in it",
    "R03": "The account does not exist",
    "R01-late": "No money, found out after settling",
    "R03-late": "No account, found out after settling",
    "R10-late": "Its owner objects after settling",
}
class AccountPlan(dict):
    """What one account to open looks like: name, official_name, subtype, balance, number."""


def default_plans(institution_id: str) -> list[AccountPlan]:
    """The accounts that a login at this bank has."""
    if institution_id == BAD_LUCK:
        return [AccountPlan(name=name, official_name=reason, subtype="checking", balance=bank.OPENING_CHECKING)
                for name, reason in BAD_LUCK_ACCOUNTS.items()]
    return [
        AccountPlan(name="Plaid Checking", official_name="Plaid Gold Standard 0% Interest Checking",
                    subtype="checking", balance=bank.OPENING_CHECKING),
        AccountPlan(name="Plaid Saving", official_name="Plaid Silver Standard 0.1% Interest Saving",
                    subtype="savings", balance=bank.OPENING_SAVINGS),
    ]


def open_item(
    *, institution_id: str, products: list[str], webhook: str, plans: list[AccountPlan], owner: str = "",
    phone: str = "",
) -> PublicToken:
    """A login at a bank with new accounts of its own, and the public token for it."""
    item = Item.objects.create(
        uid=_plaid_id(), institution_id=institution_id, products=products, webhook=webhook,
        owner_name=owner[:120], owner_phone=phone[:20],
    )
    for plan in plans:
        bank.open_account(item=item, bank_name=INSTITUTIONS[institution_id], **plan)
    return PublicToken.objects.create(
        token=f"public-sandbox-{uuid.uuid4()}", item=item, expires_at=timezone.now() + PUBLIC_TOKEN_LIFE
    )


def _plaid_id() -> str:
    return secrets.token_urlsafe(60).replace("-", "").replace("_", "")[:37]


def make_processor_token(account: BankAccount, processor: str) -> str:
    token = f"processor-sandbox-{uuid.uuid4()}"
    ProcessorToken.objects.create(token=token, account=account, processor=processor)
    return token
