from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("banking", "0021_reversible"), ("compliance", "0004_tiers")]

    operations: list = []
