"""Who may pay whom, and who sees it: pure functions of the facts that were read under the payer's guard."""

from dataclasses import dataclass

from core.errors import InsufficientFunds, PayaError
from core.money import format_usd
from payments.errors import CannotBePaid, NoUsernameYet, PayingOneself, UnknownPayee
from payments.models import Visibility
from wallets.errors import OwesMoney, frozen_error
from wallets.services import Freeze


@dataclass(frozen=True)
class Facts:
    """What is known when a payment is decided; amounts in cents."""

    payer: int
    payer_username: str | None
    available: int
    owed: int
    frozen: Freeze
    frozen_reason: str
    to: str
    payee: int | None
    payee_frozen: Freeze
    amount: int


def decide(facts: Facts) -> PayaError | None:
    """The refusal, or None when the payment may go ahead."""
    if facts.payer_username is None:
        return NoUsernameYet()
    if facts.payee is None:
        return UnknownPayee(facts.to)
    if facts.payee == facts.payer:
        return PayingOneself()
    if facts.frozen is not Freeze.NONE:
        return frozen_error(facts.frozen, facts.frozen_reason)
    if facts.payee_frozen is Freeze.ALL:
        return CannotBePaid(facts.to)
    if facts.owed > 0:
        return OwesMoney(facts.owed)
    if facts.amount > facts.available:
        message = f"You have {format_usd(facts.available)}."
        return InsufficientFunds(message, available=facts.available, fields={"amount": message})
    return None


def stricter(asked: str, payee_default: str | None) -> str:
    """Both parties have a say: the payer for this payment, the payee by their setting. The stricter wins."""
    return Visibility.PRIVATE if Visibility.PRIVATE in (asked, payee_default) else Visibility.PUBLIC
