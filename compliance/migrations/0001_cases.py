from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("users", "0001_initial"), ("wallets", "0002_thawing"), ("ledger", "0004_post_out"), ("core", "0003_outbox_lag")]

    operations: list = []
