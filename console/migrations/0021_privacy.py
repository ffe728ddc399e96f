import django.contrib.postgres.fields
from django.db import migrations, models

from core.migrate import run_sql_file

_PERIODS = [
    ('login_tries', 'Tries of staff to log in'), ('staff_sessions', 'Sessions of staff that are over'),
    ('inbox', 'What vendors sent us, word for word'), ('outbox', 'Events that were published'),
    ('bank_visits', 'Visits to the page on which a bank is linked'),
    ('devices', 'What ended devices were and where they came from'),
    ('exports', 'That somebody asked for a copy of their data'),
    ('returns', 'A closed account: while a bank may take a load back'),
    ('disputes', 'A closed account: while a payment may be disputed'),
    ('records', 'A closed account: while records must be kept'),
]


class Migration(migrations.Migration):

    dependencies = [("console", "0020_tiers"), ("privacy", "0001_privacy")]

    operations = [
        migrations.CreateModel(
            name='Closing',
            fields=[
                ('id', models.TextField(primary_key=True, serialize=False)),
                ('user_id', models.BigIntegerField()),
                ('person_id', models.TextField()),
                ('username', models.TextField(null=True)),
                ('state', models.TextField(choices=[('open', 'Open'), ('cancelled', 'Cancelled'), ('closed', 'Closed'), ('erased', 'Erased')])),
                ('waits_for', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('swept', models.BigIntegerField()),
                ('aside', models.BigIntegerField()),
                ('asked_at', models.DateTimeField(verbose_name='asked')),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True, verbose_name='closed')),
                ('erase_after', models.DateTimeField(null=True, verbose_name='erased after')),
                ('erased_at', models.DateTimeField(null=True, verbose_name='erased')),
            ],
            options={
                'verbose_name': 'closed account', 'verbose_name_plural': 'closed accounts', 'db_table': 'console_closing',
                'abstract': False, 'managed': False, 'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('user_id', models.BigIntegerField()),
                ('person_id', models.TextField()),
                ('username', models.TextField(null=True)),
                ('reason', models.TextField()),
                ('placed_at', models.DateTimeField(verbose_name='placed')),
                ('staff', models.TextField(null=True)),
                ('lifted_at', models.DateTimeField(null=True, verbose_name='lifted')),
                ('lifted_by', models.TextField(null=True)),
            ],
            options={
                'verbose_name': 'legal hold', 'verbose_name_plural': 'legal holds', 'db_table': 'console_legalhold',
                'abstract': False, 'managed': False, 'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Retention',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('name', models.TextField(choices=_PERIODS)),
                ('days', models.IntegerField()),
                ('effective_at', models.DateTimeField(verbose_name='in force from')),
                ('reason', models.TextField()),
                ('staff', models.TextField(null=True)),
                ('created_at', models.DateTimeField(verbose_name='decided')),
                ('in_force', models.BooleanField()),
                ('ran_at', models.DateTimeField(null=True, verbose_name='job ran')),
                ('removed', models.BigIntegerField(null=True)),
            ],
            options={
                'verbose_name': 'period of retention', 'verbose_name_plural': 'periods of retention', 'db_table': 'console_retention',
                'abstract': False, 'managed': False, 'default_permissions': (),
            },
        ),
        run_sql_file(__file__, "0021_privacy.sql"),
    ]
