"""What each message of a vendor is about, which is all that is made of it: that one thing is looked up then.

All 73 topics of Dwolla (its reference, 2026-11) stand here by name: a topic that is in no table is one that nobody has
thought about, and is kept as that.
"""

import re
from enum import Enum

from banking.rails.port import RailStatus


class About(Enum):
    TRANSFER = "a load or a redemption: the rail is asked what became of it"
    BANK = "a bank account at the rail: the rail is asked whether it can be used"
    CUSTOMER = "a person at the rail: the rail is asked whether it still serves them"
    LOGIN = "a login at a bank: Plaid is asked whether it still works"
    OURSELVES = "our own account at the rail: staff have to look"
    NOTHING = "nothing that we use, or nothing that it does not tell by another topic too"
    UNKNOWN = "a topic that we have never heard of"


def _each(prefix: str, names: str, about: About) -> dict[str, About]:
    return {f"{prefix}_{name}": about for name in names.split()}


_SOURCE = "added removed verified unverified updated"
_MICRODEPOSITS = "added failed completed maxattempts"
_BANK_TRANSFER = "created creation_failed cancelled failed completed"
_TRANSFER = "created cancelled failed completed"
_DOCUMENT = "needed uploaded failed approved"

DWOLLA: dict[str, About] = {
    "account_suspended": About.OURSELVES,
    "account_activated": About.NOTHING,
    **_each("funding_source", _SOURCE, About.BANK),
    "funding_source_negative": About.OURSELVES,  # our balance: money left it that it did not have
    **_each("microdeposits", _MICRODEPOSITS, About.NOTHING),  # of our own bank, when it is linked
    # Between our own bank and our own balance: capital, which the statement brings.
    **_each("bank_transfer", _BANK_TRANSFER, About.NOTHING),
    **_each("transfer", _TRANSFER, About.TRANSFER),
    **_each("mass_payment", "created completed cancelled", About.NOTHING),  # we make none
    "statement_created": About.NOTHING,  # reconciliation fetches it in its own time
    "customer_created": About.NOTHING,
    **_each("customer", "verified suspended activated deactivated reverification_needed", About.CUSTOMER),
    # Verified customers and businesses only; ours are unverified persons (docs/money.md).
    **_each("customer_kba_verification", "needed failed passed", About.NOTHING),
    **_each("customer_verification_document", _DOCUMENT, About.NOTHING),
    **_each("customer_beneficial_owner", "created removed verified reverification_needed", About.NOTHING),
    **_each("customer_beneficial_owner_verification_document", _DOCUMENT, About.NOTHING),
    "customer_exchange_reauth_required": About.CUSTOMER,  # names the exchange, which we do not keep, and the customer
    **_each("customer_funding_source", f"{_SOURCE} negative", About.BANK),
    **_each("customer_microdeposits", _MICRODEPOSITS, About.BANK),
    **_each("customer_bank_transfer", _BANK_TRANSFER, About.TRANSFER),
    **_each("customer_transfer", _TRANSFER, About.TRANSFER),
    **_each("customer_mass_payment", "created completed cancelled", About.NOTHING),
    "customer_balance_inquiry_completed": About.NOTHING,
    **_each("customer_label", "created ledger_entry_created removed", About.NOTHING),
}
# Which objects Stripe's events are about; those of other objects are none that we asked for.
STRIPE = ("payment_intent.", "charge.dispute.", "treasury.outbound_payment.")


def about(provider: str, topic: str) -> About:
    """What a message is about, from its topic alone."""
    match provider:
        case "dwolla":
            return DWOLLA.get(topic, About.UNKNOWN)
        case "stripe":
            return About.TRANSFER if topic.startswith(STRIPE) else About.NOTHING
        case "plaid":
            return About.LOGIN
        case _:
            return About.NOTHING


# The last word of a topic about a transfer, where it tells nothing but that the transfer has come so far.
_TOLD: dict[str, RailStatus] = {
    "created": "pending", "processing": "pending",
    "completed": "processed", "succeeded": "processed", "posted": "processed",
    "failed": "failed", "cancelled": "cancelled", "canceled": "cancelled",
}  # fmt: skip


def told(topic: str) -> RailStatus | None:
    """How far a transfer has come by what a topic says; None where it says something else.

    Never believed. Where our own record is as far, though, there is nothing to ask: one transfer is told of four times.
    """
    if topic.startswith("charge.dispute."):
        return None
    return _TOLD.get(re.split(r"[._]", topic)[-1])
