"""Tiers: what is known of a person, and what raises and lowers it (sql/0004_tiers.sql).

1 phone: signed up. 2 identity: a bank that they log in to confirmed their legal name and phone. 3 documents: staff looked at a
document. A tier stays when the bank is removed: what was proved is proved. Staff lower it, with a reason; from then on no bank
raises it by itself until staff have.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from django.db import connection

from compliance.models import Standing, Tier, TierChange
from core.actor import actor
from core.staff import call

Proved = Literal["raised", "has", "held"]


def prove_identity(*, user_id: int, evidence: Mapping[str, Any]) -> Proved:
    """A bank confirmed who this is: tier 2, and a letter. As SYSTEM, in the transaction that records the bank's answer.

    `evidence` holds scores, times and public ids, and no personal data. "held" where staff had lowered them: staff look at it.
    """
    with connection.cursor() as cursor:
        cursor.execute("select compliance_prove_identity(%s, %s)", [user_id, json.dumps(dict(evidence))])
        answer: Proved = cursor.fetchone()[0]
    return answer


def tier_of(*, user_id: int) -> Tier:
    with actor(user_id):
        return tier_now(user_id=user_id)


def tier_now(*, user_id: int) -> Tier:
    """The same for whoever may read it, staff too, in a transaction of theirs."""
    standing = Standing.objects.filter(user_id=user_id).first()
    return Tier(standing.tier) if standing is not None else Tier.PHONE


def changes_of(*, user_id: int) -> list[TierChange]:
    """What raised or lowered it, the latest first."""
    with actor(user_id):
        return list(TierChange.objects.filter(user_id=user_id).order_by("-id")[:50])


def set_tier(*, person: str, tier: int, told: str = "", staff_id: int, reason: str) -> None:
    """Staff raise or lower somebody, who is told: why, in the words of `told`, where they are lowered.

    Raises Conflict where they are there, or are lowered without a word; NotFound.
    """
    call("compliance_set_tier", [person, tier, told.strip(), reason], staff_id=staff_id)
