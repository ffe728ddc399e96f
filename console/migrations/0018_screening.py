from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [
        ("console", "0017_support"), ("banking", "0022_screened"), ("payments", "0002_screened"), ("compliance", "0003_screening"),
    ]  # fmt: skip

    operations = [
        # The view behind it is not managed by Django: this adds no column.
        migrations.AddField(
            model_name="banktransfer",
            name="review",
            field=models.TextField(choices=[("", "none"), ("waiting", "waiting"), ("released", "released"), ("refused", "refused")]),
            preserve_default=False,
        ),
        run_sql_file(__file__, "0018_screening.sql"),
    ]
