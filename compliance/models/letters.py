"""What a person is told by PaYa, in words (sql/0002_letters.sql)."""

from django.db import models

from compliance.models.cases import core_now, user_key


class Letter(models.Model):
    """A letter to a person. `about` is the public id of what it is about, or empty. Only `read_at` ever changes."""

    public_id = models.TextField(unique=True)
    user = user_key()
    kind = models.TextField()
    title = models.TextField()
    body = models.TextField()
    about = models.TextField(db_default="")
    created_at = models.DateTimeField(db_default=core_now(), editable=False)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="compliance_letter_person"),
            models.Index(fields=["user"], name="compliance_letter_unread", condition=models.Q(read_at=None)),
        ]
