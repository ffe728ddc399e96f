from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("compliance", "0009_assessment_at")]

    operations = [run_sql_file(__file__, "0010_restricted.sql")]
