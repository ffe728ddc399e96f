from django.db import migrations, models


class Migration(migrations.Migration):
    """When a sweep last woke somebody for a row, so that it does not fill the queue with more of the same."""

    dependencies = [("banking", "0002_key_rotation")]
    operations = [
        migrations.AddField("banktransfer", "woken_at", models.DateTimeField(null=True)),
        migrations.AddField("inboxevent", "woken_at", models.DateTimeField(null=True)),
        migrations.RunSQL(
            """
            GRANT UPDATE (woken_at) ON banking_banktransfer TO paya_worker;
            GRANT UPDATE (woken_at) ON banking_inboxevent TO paya_worker;
            """,
            migrations.RunSQL.noop,
        ),
    ]
