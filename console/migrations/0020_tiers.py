from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("console", "0019_cases"), ("compliance", "0006_flags"), ("banking", "0023_identity")]

    operations = [
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.TextField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('user_id', models.BigIntegerField()),
                ('person_id', models.TextField()),
                ('username', models.TextField(null=True)),
                ('display_name', models.TextField(null=True)),
                ('kind', models.TextField(choices=[('passport', 'Passport'), ('driving_licence', 'Driver’s license'), ('id_card', 'ID card'), ('residence_permit', 'Residence permit')])),
                ('media_type', models.TextField()),
                ('pages', models.SmallIntegerField()),
                ('size', models.IntegerField()),
                ('status', models.TextField(choices=[('storing', 'Storing'), ('waiting', 'Waiting'), ('accepted', 'Accepted'), ('refused', 'Refused'), ('abandoned', 'Abandoned')])),
                ('created_at', models.DateTimeField(verbose_name='sent')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided')),
                ('staff', models.TextField(null=True)),
                ('words', models.TextField()),
                ('removed_at', models.DateTimeField(null=True)),
                ('tier', models.SmallIntegerField(choices=[(1, 'Phone'), (2, 'Identity'), (3, 'Documents')])),
                ('case_id', models.TextField(null=True)),
            ],
            options={
                'verbose_name': 'identity document',
                'verbose_name_plural': 'identity documents',
                'db_table': 'console_document',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='LimitHistory',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('limit_id', models.TextField()),
                ('value', models.BigIntegerField(null=True)),
                ('effective_at', models.DateTimeField()),
                ('staff', models.TextField(null=True)),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'console_limithistory',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='LimitShown',
            fields=[
                ('id', models.TextField(primary_key=True, serialize=False)),
                ('name', models.TextField(choices=[('sends_per_hour', 'Payments in an hour'), ('sends_per_day', 'Payments in a day'), ('per_transfer', 'One payment'), ('recipients_per_day', 'Different people in a day'), ('loads_per_week', 'Loads in a week'), ('loads_while_new', 'Loads in your first days'), ('new_for_days', 'Days for which an account is new'), ('days_before_redeeming', 'Days before the first redemption'), ('unseasoned_redeemable', 'Redemptions from fresh loads')])),
                ('tier', models.SmallIntegerField(choices=[(1, 'Phone'), (2, 'Identity'), (3, 'Documents')])),
                ('value', models.BigIntegerField(null=True)),
                ('since', models.DateTimeField(null=True)),
                ('staff', models.TextField(null=True)),
                ('reason', models.TextField(null=True)),
                ('next_value', models.BigIntegerField(null=True)),
                ('next_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'limit',
                'verbose_name_plural': 'limits',
                'db_table': 'console_limit',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Scoring',
            fields=[
                ('id', models.TextField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('scorer', models.TextField()),
                ('weights', models.JSONField()),
                ('hold_at', models.SmallIntegerField(verbose_name='holds from')),
                ('deny_at', models.SmallIntegerField(verbose_name='refuses from')),
                ('state', models.TextField(choices=[('shadow', 'Shadow'), ('active', 'Active'), ('retired', 'Retired')])),
                ('reason', models.TextField()),
                ('staff', models.TextField(null=True)),
                ('created_at', models.DateTimeField(verbose_name='made')),
            ],
            options={
                'verbose_name': 'version of the score',
                'verbose_name_plural': 'versions of the score',
                'db_table': 'console_scoreversion',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='TierMove',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('user_id', models.BigIntegerField()),
                ('person_id', models.TextField()),
                ('username', models.TextField(null=True)),
                ('before', models.SmallIntegerField(choices=[(1, 'Phone'), (2, 'Identity'), (3, 'Documents')], verbose_name='from')),
                ('after', models.SmallIntegerField(choices=[(1, 'Phone'), (2, 'Identity'), (3, 'Documents')], verbose_name='to')),
                ('cause', models.TextField(choices=[('identity', 'Identity'), ('document', 'Document'), ('staff', 'Staff')])),
                ('evidence', models.JSONField()),
                ('staff', models.TextField(null=True)),
                ('reason', models.TextField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'change of a tier',
                'verbose_name_plural': 'tiers',
                'db_table': 'console_tierchange',
                'abstract': False,
                'managed': False,
                'default_permissions': (),
            },
        ),
        run_sql_file(__file__, "0020_tiers.sql"),
    ]
