from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("wallets", "0002_thawing")]

    operations: list = []
