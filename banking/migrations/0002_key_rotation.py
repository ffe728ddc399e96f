from django.db import migrations


class Migration(migrations.Migration):
    """The worker may re-encrypt what it could only write once."""

    dependencies = [("banking", "0001_initial")]
    operations = [
        migrations.RunSQL(
            """
            GRANT UPDATE (link_token) ON banking_linksession TO paya_worker;
            GRANT UPDATE (customer) ON banking_railcustomer TO paya_worker;
            """,
            migrations.RunSQL.noop,
        )
    ]
