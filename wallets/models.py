from django.db import models
from django.db.models.functions import Now

from users.models import User


class Wallet(models.Model):
    """Which ledger accounts are a person's, and what is on its way. Balances live in the ledger alone.

    Its row is the guard: whoever decides about this person's money locks it first. Written only through the
    functions in wallets/sql. `frozen` mirrors the ledger account's status (0 open, 1 no sending, 2 neither).
    """

    user = models.OneToOneField(User, primary_key=True, on_delete=models.PROTECT, related_name="+")
    public_id = models.TextField(unique=True)
    account = models.BigIntegerField(unique=True)
    hold_account = models.BigIntegerField(unique=True)
    receivable_account = models.BigIntegerField(unique=True)
    pending_in = models.BigIntegerField(db_default=0)
    pending_out = models.BigIntegerField(db_default=0)
    frozen = models.SmallIntegerField(db_default=0)
    frozen_reason = models.TextField(db_default="")
    created_at = models.DateTimeField(db_default=Now())
    # When it was closed for good: its ledger accounts take nothing any more (sql/0003_closing.sql).
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(pending_in__gte=0, pending_out__gte=0), name="wallet_pending_not_negative"
            ),
            models.CheckConstraint(condition=models.Q(frozen__in=[0, 1, 2]), name="wallet_frozen_state"),
        ]
