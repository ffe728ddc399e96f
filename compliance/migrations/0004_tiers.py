from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("compliance", "0003_screening")]

    operations: list = []
