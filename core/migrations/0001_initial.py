from django.db import migrations

from core.migrate import run_sql_file
from core.rls import protect


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        run_sql_file(__file__, "0001_core.sql"),
        protect("core_idempotency", staff_reads=False),
        protect("core_datakey", staff_reads=False),
    ]
