from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("banking", "0022_screened")]

    operations: list = []
