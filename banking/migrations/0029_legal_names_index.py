"""Its own migration, and none in one transaction: the index is built while people have their banks asked."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("banking", "0028_legal_names")]

    operations = [
        AddIndexConcurrently("identitycheck", models.Index(fields=["screened_in", "id"], name="banking_check_screened")),
    ]
