"""The pages of the staff's site. Rows are only looked at; what staff do to them is an action with a reason (actions.py)."""

from console.admin import (  # noqa: F401  (they register their pages)
    attestations,
    cases,
    ceilings,
    corrections,
    documents,
    freezes,
    limits,
    money,
    nacha,
    people,
    privacy,
    rails,
    reconciliation,
    records,
    returns,
    rewards,
    support,
    trail,
    vendors,
)
