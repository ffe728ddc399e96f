"""What the rows of this room have in common."""

from django.conf import settings
from django.db import models
from django.db.models import Func


def core_now() -> Func:
    """The database's own time; the demo loader alone may give it another (core/sql)."""
    return Func(function="core_now", output_field=models.DateTimeField())


class PersonsRow(models.Model):
    """A row that belongs to a person, with the time at which it was made."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        abstract = True
