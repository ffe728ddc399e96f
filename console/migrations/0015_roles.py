from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("console", "0014_trail"), ("banking", "0024_adjustments")]

    operations = [run_sql_file(__file__, "0015_roles.sql")]
