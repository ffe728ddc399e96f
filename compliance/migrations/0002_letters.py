from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("compliance", "0001_cases")]

    operations: list = []
