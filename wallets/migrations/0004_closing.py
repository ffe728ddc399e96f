from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("wallets", "0003_holds")]

    operations: list = []
