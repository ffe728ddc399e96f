from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("compliance", "0006_flags")]

    operations = [
        migrations.AddField(
            model_name='sanctionshit',
            name='legal_name',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='sanctionshit',
            name='name',
            field=models.TextField(db_default=""),
        ),
        migrations.AlterField(
            model_name='sanctionsrun',
            name='cause',
            field=models.TextField(choices=[('import', 'Another list'), ('setting', 'Other scores'), ('reading', 'Names are read otherwise')]),
        ),
        run_sql_file(__file__, "0007_legal_names.sql"),
    ]
