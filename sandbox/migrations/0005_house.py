from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0004_plaid_oauth")]
    operations = [
        migrations.AddField("bank", "fee_cents", models.BigIntegerField(default=0)),
        migrations.AddField("bank", "interest_bp", models.IntegerField(default=0)),
    ]
