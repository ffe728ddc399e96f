from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("compliance", "0005_support")]

    operations: list = []
