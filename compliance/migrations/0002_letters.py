import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect


class Migration(migrations.Migration):

    dependencies = [("compliance", "0001_cases")]

    operations = [
        migrations.CreateModel(
            name='Letter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('kind', models.TextField()),
                ('title', models.TextField()),
                ('body', models.TextField()),
                ('about', models.TextField(db_default='')),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('read_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-id'], name='compliance_letter_person'), models.Index(condition=models.Q(('read_at', None)), fields=['user'], name='compliance_letter_unread')],
            },
        ),
        protect("compliance_letter", staff_reads=False),
        run_sql_file(__file__, "0002_letters.sql"),
    ]
