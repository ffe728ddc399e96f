from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("console", "0013_attestations"), ("compliance", "0008_screening_more"), ("payments", "0002_screened"), ("banking", "0023_identity"), ("privacy", "0001_privacy")]

    operations: list = []
