"""Loads and redemptions: asked for by a person, carried out at the rail by the worker.

Nothing here calls a rail inside a transaction. The order is always: persist what is meant to happen under our own
key, commit, call, record. A call without an answer leaves the transfer *unknown*; it is then searched for at the
rail, and only made again, with the same key, when the rail has none. Tokens are minted when the rail says that
dollars arrived, and burned before dollars are asked to leave.

requests.py  what a person asks for          submitting.py  handing it to the rail, and taking it back
outcomes.py  what became of it at the rail   sweeping.py    the net below it all     moves.py  the timeline
"""

from banking.services.transfers.outcomes import HELD, heard_of, refresh, statuses
from banking.services.transfers.requests import expected_on, request_cancel, request_load, request_redemption
from banking.services.transfers.submitting import submit
from banking.services.transfers.sweeping import WAKE_AGAIN, due, to_wake

__all__ = [
    "HELD", "WAKE_AGAIN", "due", "expected_on", "heard_of", "refresh", "request_cancel", "request_load", "request_redemption",
    "statuses", "submit", "to_wake",
]  # fmt: skip
