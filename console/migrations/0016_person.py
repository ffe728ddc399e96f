from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("console", "0015_roles")]

    operations: list = []
