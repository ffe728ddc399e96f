from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("console", "0025_freezes_and_clocks"), ("compliance", "0008_erased_words"), ("banking", "0028_legal_names")]

    operations = [
        run_sql_file(__file__, "0030_legal_names.sql"),
        run_sql_file(__file__, "0030_erased_words.sql"),
        run_sql_file(__file__, "0030_version_effect.sql"),
    ]
