from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("compliance", "0004_tiers")]

    operations: list = []
