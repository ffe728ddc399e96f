from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("console", "0015_roles"), ("compliance", "0006_flags"), ("rewards", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name='Freeze',
            fields=[
                ('id', models.TextField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('user_id', models.BigIntegerField()),
                ('person_id', models.TextField()),
                ('username', models.TextField(null=True)),
                ('kind', models.TextField(choices=[('staff', 'by staff'), ('command', 'by command')])),
                ('level', models.SmallIntegerField(choices=[(1, 'no sending'), (2, 'no sending, no receiving')])),
                ('reason', models.TextField(verbose_name='told to the person')),
                ('at', models.DateTimeField(verbose_name='since')),
                ('staff', models.TextField(null=True)),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('ended_by', models.TextField(null=True)),
            ],
            options={
                'db_table': 'console_freeze',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PersonDevice',
            fields=[
                ('id', models.TextField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('user_id', models.BigIntegerField()),
                ('name', models.TextField()),
                ('network', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'console_device',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PersonNote',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('user_id', models.BigIntegerField()),
                ('note', models.TextField()),
                ('at', models.DateTimeField()),
                ('staff', models.TextField()),
            ],
            options={
                'db_table': 'console_personnote',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Withdrawal',
            fields=[
                ('id', models.TextField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('user_id', models.BigIntegerField()),
                ('person_id', models.TextField()),
                ('username', models.TextField(null=True)),
                ('amount', models.BigIntegerField()),
                ('bank_account', models.TextField()),
                ('status', models.TextField(choices=[('asked', 'asked'), ('approved', 'approved'), ('sent', 'sent'), ('denied', 'denied'), ('cancelled', 'cancelled'), ('failed', 'failed')])),
                ('transfer', models.TextField(null=True)),
                ('told', models.TextField(verbose_name='told to the person')),
                ('asked_at', models.DateTimeField(verbose_name='asked')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('started_by', models.TextField(null=True)),
                ('decided_by', models.TextField(null=True)),
                ('bank', models.TextField(null=True)),
            ],
            options={
                'db_table': 'console_withdrawal',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        run_sql_file(__file__, "0016_person.sql"),
    ]
