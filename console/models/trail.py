"""The trail of what staff did, who looked at what, and who is on the staff with which roles."""

from django.db import models

from console.models.shown import Shown


class TrailEntry(Shown):
    """An action, or a row that one changed. For those who may `trail.view`."""

    id = models.BigIntegerField(primary_key=True)
    kind = models.TextField(choices=[("action", "action"), ("change", "change")])
    of_action = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    staff = models.TextField()
    action = models.TextField()
    subject = models.TextField()
    what = models.TextField()
    reason = models.TextField()
    request_id = models.TextField()
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    block_height = models.BigIntegerField()
    hash = models.TextField()

    class Meta(Shown.Meta):
        db_table = "console_trailentry"
        verbose_name = "entry of the trail"
        verbose_name_plural = "trail"

    def __str__(self) -> str:
        return f"entry {self.pk}"


class PersonView(Shown):
    """That a member of staff was shown a person's data. For those who may `trail.view`."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    staff = models.TextField()
    kind = models.TextField()
    subject = models.TextField()
    request_id = models.TextField()

    class Meta(Shown.Meta):
        db_table = "console_viewed_by"
        verbose_name = "view of personal data"
        verbose_name_plural = "views of personal data"

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Member(Shown):
    """Somebody on the staff."""

    id = models.TextField(primary_key=True)
    user_id = models.BigIntegerField()
    email = models.TextField()
    is_active = models.BooleanField()
    created_at = models.DateTimeField()
    roles = models.TextField(null=True)
    acted_at = models.DateTimeField(null=True)
    enrolled = models.BooleanField()  # whether they have an authenticator
    link_until = models.DateTimeField(null=True)
    keys = models.IntegerField()
    is_new = models.BooleanField()  # no password yet: their link has not been used

    class Meta(Shown.Meta):
        db_table = "console_member"
        verbose_name = "member of staff"
        verbose_name_plural = "staff"

    def __str__(self) -> str:
        return self.email
