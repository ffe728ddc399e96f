from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0029_legal_names_index"), ("compliance", "0010_restricted")]

    operations = [run_sql_file(__file__, "0030_two_people.sql")]
