from django.db import migrations, models
from django.db.models import Q

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """What a code is for, and who is found."""

    dependencies = [("users", "0002_terms")]

    operations = [
        migrations.AddField(
            "challenge",
            "purpose",
            models.CharField(choices=[("log_in", "To log in"), ("close", "To close the account")], db_default="log_in", max_length=10),
        ),
        migrations.SeparateDatabaseAndState(  # the SQL adds it, of new rows: a code lives for ten minutes
            state_operations=[
                migrations.AddConstraint(
                    "challenge",
                    models.CheckConstraint(name="users_challenge_purpose", condition=Q(purpose__in=["log_in", "close"])),
                ),
            ],
        ),
        run_sql_file(__file__, "0003_purposes.sql"),
    ]
