from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("console", "0016_person")]

    operations: list = []
