from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("compliance", "0007_legal_names")]

    operations = [run_sql_file(__file__, "0008_erased_words.sql")]
