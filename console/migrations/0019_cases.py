from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("console", "0018_screening")]

    operations: list = []
