from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("console", "0013_attestations"), ("compliance", "0006_flags"), ("payments", "0002_screened"), ("banking", "0023_identity"), ("privacy", "0001_privacy")]

    operations = [
        migrations.AlterField(
            model_name='correction',
            name='kind',
            field=models.TextField(choices=[('write_off', 'write-off'), ('loss_reserve', 'loss reserve'), ('rail_cost', 'cost of a custodian'), ('suspense_found', 'suspense to its owner'), ('adjustment_credit', 'adjustment: to a person'), ('adjustment_debit', 'adjustment: from a person'), ('adjustments_capital', 'capital to adjustments'), ('adjustments_operations', 'operations to adjustments')]),
        ),
        migrations.CreateModel(
            name='TrailEntry',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kind', models.TextField(choices=[('action', 'action'), ('change', 'change')])),
                ('of_action', models.BigIntegerField(null=True)),
                ('at', models.DateTimeField()),
                ('staff', models.TextField()),
                ('action', models.TextField()),
                ('subject', models.TextField()),
                ('what', models.TextField()),
                ('reason', models.TextField()),
                ('request_id', models.TextField()),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('block_height', models.BigIntegerField()),
                ('hash', models.TextField()),
            ],
            options={
                'verbose_name': 'entry of the trail',
                'verbose_name_plural': 'trail',
                'db_table': 'console_trailentry',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PersonView',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('staff', models.TextField()),
                ('kind', models.TextField()),
                ('subject', models.TextField()),
                ('request_id', models.TextField()),
            ],
            options={
                'verbose_name': 'view of personal data',
                'verbose_name_plural': 'views of personal data',
                'db_table': 'console_viewed_by',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Member',
            fields=[
                ('id', models.TextField(primary_key=True, serialize=False)),
                ('user_id', models.BigIntegerField()),
                ('email', models.TextField()),
                ('is_active', models.BooleanField()),
                ('created_at', models.DateTimeField()),
                ('roles', models.TextField(null=True)),
                ('acted_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'member of staff',
                'verbose_name_plural': 'staff',
                'db_table': 'console_member',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        run_sql_file(__file__, "0014_trail.sql"),
    ]
