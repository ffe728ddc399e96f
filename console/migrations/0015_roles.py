from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("console", "0014_trail")]

    operations: list = []
