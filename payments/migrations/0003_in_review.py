"""Its own migration, and none in one transaction: the index is built while people pay."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0002_screened")]

    operations = [
        AddIndexConcurrently(
            "payment", models.Index(fields=["id"], condition=models.Q(status="in_review"), name="payment_in_review")
        ),
    ]
