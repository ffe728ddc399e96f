"""What vendors told us."""

from django.db import models
from django.db.models import Q

from banking.models.base import core_now


class InboxEvent(models.Model):
    """A signed message of a vendor, stored before anything is made of it."""

    provider = models.TextField()
    event_id = models.TextField()
    topic = models.TextField()
    body = models.TextField()
    received_at = models.DateTimeField(db_default=core_now(), editable=False)
    due_at = models.DateTimeField(null=True, db_default=core_now())
    woken_at = models.DateTimeField(null=True)  # when a sweep last sent a message for it
    processed_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0, db_default=0)
    outcome = models.TextField(default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="banking_inbox_once")]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="banking_inbox_due")]
