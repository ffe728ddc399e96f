from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("payments", "0001_initial"), ("compliance", "0003_screening")]

    operations: list = []
