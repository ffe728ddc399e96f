"""Its own migration, and none in one transaction: the index is built while people link banks."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("banking", "0017_barred_numbers")]

    operations = [
        AddIndexConcurrently(
            "bankaccount",
            models.Index(
                fields=["numbers_index"],
                condition=Q(numbers_index__isnull=False) & ~Q(blocked_by=""),
                name="banking_barred_numbers",
            ),
        ),
    ]
