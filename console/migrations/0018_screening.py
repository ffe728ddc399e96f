from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("console", "0017_support")]

    operations: list = []
