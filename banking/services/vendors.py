"""What a vendor's failure means to the person who is waiting for it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from banking.advice import advice
from banking.errors import BankUnavailable, LinkFailed
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

log = logging.getLogger("paya.banking")


@contextmanager
def in_words() -> Iterator[None]:
    """A vendor's failure as the person's next step. Raises BankUnavailable, LinkFailed."""
    try:
        yield
    except (ProviderDown, ProviderUnknown) as error:
        log.warning("bank_link_down", extra={"cause": str(error)})
        raise BankUnavailable(retry_after=15) from error
    except ProviderRejected as error:
        log.info("bank_link_refused", extra={"code": error.code})
        raise refusal(error.code) from error


def refusal(code: str) -> BankUnavailable | LinkFailed:
    """What a person is told about one of Plaid's codes; `next` names the step that helps."""
    said = advice(code)
    if said.next == "wait":
        return BankUnavailable(said.sentence, retry_after=60, next=said.next)
    return LinkFailed(said.sentence, next=said.next)
