"""What only the custodian's statement tells is booked from there: fees, interest, the operators' capital, and money
that nobody expected. Each line once: its reference in the ledger is made of the line's own key."""

import logging
from collections import Counter
from uuid import UUID

from django.db import connection

from core.actor import SYSTEM, actor
from core.errors import InsufficientFunds
from core.ids import derived_reference
from ledger import services as ledger
from ledger.chart import RESERVES, Account, Kind
from ledger.services import Posting

log = logging.getLogger("paya.banking")


def book(*, custodian: str) -> Counter[str]:
    """Book what is on the statements and in nobody's books yet; how many of each kind.

    Needs the worker's role. Twice, side by side or after a crash, each line is posted once.
    """
    counts: Counter[str] = Counter()
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select key, kind, cents from banking_unbooked(%s)", [custodian])
        rows = cursor.fetchall()
    for key, kind, cents in rows:
        posting = posting_of(custodian=custodian, key=UUID(str(key)), kind=kind, cents=cents)
        if posting is None:
            continue
        try:
            with actor(SYSTEM):
                ledger.post(posting, group=UUID(str(key)))
        except InsufficientFunds:
            # The operators took out more than they had put in: a break for staff, not for the ledger.
            log.error("statement_line_not_booked", extra={"custodian": custodian, "key": str(key), "kind": kind})
            continue
        counts[posting.kind.name.lower()] += 1
    return counts


def posting_of(*, custodian: str, key: UUID, kind: str, cents: int) -> Posting | None:
    """How a line is booked; None where staff have to look at it first."""
    reserve, reference = RESERVES[custodian], derived_reference(key, "line")
    match (kind, cents > 0):
        case ("fee", False):
            return Posting(reference, Kind.RAIL_COST, Account.RAIL_COSTS, reserve, -cents)
        case ("interest", True):
            return Posting(reference, Kind.INTEREST, reserve, Account.REVENUE, cents)
        case ("capital", True):
            return Posting(reference, Kind.CAPITAL_IN, reserve, Account.CAPITAL, cents)
        case ("capital", False):
            return Posting(reference, Kind.CAPITAL_OUT, Account.CAPITAL, reserve, -cents)
        case ("credit" | "transfer" | "return", True):
            return Posting(reference, Kind.SUSPENDED, reserve, Account.SUSPENSE, cents)
    return None
