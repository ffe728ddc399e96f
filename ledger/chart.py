"""The chart of accounts and the kinds of transfer, as numbered in ledger/sql/0001_ledger.sql (docs/money.md)."""

from enum import IntEnum


class Account(IntEnum):
    """The system accounts. Ids below 64 are striped; only the ledger knows."""

    RESERVE_DWOLLA = 1
    RESERVE_STRIPE = 2
    RESERVE_ODFI = 3
    REVENUE = 8
    RAIL_COSTS = 9
    REDEMPTIONS_PAYABLE = 70
    REWARDS_POOL = 80
    OPERATIONS = 81
    CAPITAL = 90
    LOSS_RESERVE = 91
    ADJUSTMENTS = 100
    SUSPENSE = 101


RESERVES = {"dwolla": Account.RESERVE_DWOLLA, "stripe": Account.RESERVE_STRIPE, "odfi": Account.RESERVE_ODFI}


class Personal(IntEnum):
    """The kinds of account that each person has one of."""

    WALLET = 1
    HOLD = 2
    RECEIVABLE = 3


class Kind(IntEnum):
    """What a transfer is; which accounts each may debit and credit stands in the database."""

    LOAD = 1
    LOAD_REPAYMENT = 2
    REDEMPTION = 3
    REDEMPTION_SETTLED = 4
    REDEMPTION_FAILED = 5
    REDEMPTION_APPROVED = 6
    PAYMENT = 7
    HOLD = 8
    HOLD_PAID = 9
    HOLD_RELEASED = 10
    LOAD_RETURNED = 11
    LOAD_RETURN_OWED = 12
    WRITE_OFF = 13
    INTEREST = 14
    FEE = 15
    RAIL_COST = 16
    CAPITAL_IN = 17
    CAPITAL_OUT = 18
    LOSS_RESERVE_FUNDED = 19
    ADJUSTMENTS_FUNDED = 20
    SUSPENDED = 21
    SUSPENSE_FOUND = 22
    WEEK_COSTS = 23
    WEEK_OPERATIONS = 24
    WEEK_POOL = 25
    REWARD = 26
    ADJUSTMENT_CREDIT = 27
    ADJUSTMENT_DEBIT = 28
    REVERSAL = 29


class Status(IntEnum):
    """The state of an account. A freeze stops the person's own acts; system kinds always pass."""

    OPEN = 0
    NO_DEBITS = 1
    FROZEN = 2
    CLOSED = 3
