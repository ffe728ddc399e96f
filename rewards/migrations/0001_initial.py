import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("core", "0002_key_rotation"),
        ("ledger", "0004_post_out"),
        ("wallets", "0002_thawing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Estimate',
            fields=[
                ('week', models.TextField(primary_key=True, serialize=False)),
                ('as_of', models.DateTimeField()),
                ('revenue', models.BigIntegerField()),
                ('costs', models.BigIntegerField()),
                ('net', models.BigIntegerField()),
                ('operations', models.BigIntegerField()),
                ('pool', models.BigIntegerField()),
                ('active', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='EstimatedPerson',
            fields=[
                ('user', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('week', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Ineligibility',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateField()),
                ('until', models.DateField()),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('lifted_at', models.DateTimeField(null=True)),
                ('marked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Setting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('in_force_from', models.DateField()),
                ('operations_share', models.IntegerField()),
                ('min_age_days', models.IntegerField()),
                ('path_length', models.SmallIntegerField()),
                ('circle_hours', models.IntegerField()),
                ('review_hours', models.IntegerField()),
                ('strategy', models.TextField(choices=[('equal', 'Equal shares'), ('balance_days', 'By balance and days'), ('payments_made', 'By payments made')])),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('chosen_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('week', models.TextField()),
                ('starts_on', models.DateField()),
                ('reference', models.UUIDField()),
                ('state', models.TextField(choices=[('closed', 'Closed'), ('distributing', 'Distributing'), ('distributed', 'Distributed'), ('announced', 'Announced')], db_default='closed')),
                ('held', models.BooleanField(db_default=False)),
                ('closed_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('distribute_at', models.DateTimeField()),
                ('distributed_at', models.DateTimeField(null=True)),
                ('announced_at', models.DateTimeField(null=True)),
                ('revenue_mark', models.BigIntegerField(db_default=0)),
                ('costs_mark', models.BigIntegerField(db_default=0)),
                ('costs_cleared', models.BigIntegerField(db_default=0)),
                ('revenue', models.BigIntegerField(db_default=0)),
                ('costs', models.BigIntegerField(db_default=0)),
                ('carried_in', models.BigIntegerField(db_default=0)),
                ('net', models.BigIntegerField(db_default=0)),
                ('operations', models.BigIntegerField(db_default=0)),
                ('to_pool', models.BigIntegerField(db_default=0)),
                ('was_there', models.BigIntegerField(db_default=0)),
                ('pool', models.BigIntegerField(db_default=0)),
                ('payers', models.BigIntegerField(db_default=0)),
                ('active', models.BigIntegerField(db_default=0)),
                ('rewards', models.BigIntegerField(db_default=0)),
                ('stays', models.BigIntegerField(db_default=0)),
                ('carried_out', models.BigIntegerField(db_default=0)),
                ('outliers', models.JSONField(db_default={}, default=dict)),
                ('digest', models.TextField(null=True)),
                ('posted_through', models.BigIntegerField(db_default=0)),
                ('setting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rewards.setting')),
            ],
        ),
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField()),
                ('week', models.TextField()),
                ('message', models.TextField()),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('answer', models.TextField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('public_id',), name='rewards_appeal_public_id'), models.UniqueConstraint(fields=('user', 'week'), name='rewards_appeal_once'), models.CheckConstraint(condition=models.Q(models.Q(('answer__isnull', True), ('answered_at__isnull', True)), models.Q(('answer__isnull', False), ('answered_at__isnull', False)), _connector='OR'), name='rewards_appeal_answered')],
            },
        ),
        migrations.CreateModel(
            name='Reward',
            fields=[
                ('pk', models.CompositePrimaryKey('run_id', 'user_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account', models.BigIntegerField()),
                ('payments', models.BigIntegerField()),
                ('counted', models.BigIntegerField()),
                ('weight', models.BigIntegerField()),
                ('amount', models.BigIntegerField()),
                ('reason', models.TextField(choices=[('active', 'Active'), ('unverified', 'Unverified'), ('too_young', 'Too Young'), ('frozen', 'Frozen'), ('ineligible', 'Ineligible'), ('circular', 'Circular')])),
                ('owed_since', models.DateTimeField(null=True)),
                ('settled_at', models.DateTimeField(null=True)),
                ('reversed_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rewards.run')),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-run'], name='rewards_reward_person'), models.Index(condition=models.Q(('owed_since__isnull', False), ('settled_at__isnull', True)), fields=['run'], name='rewards_reward_owed')],
            },
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(fields=('week',), name='rewards_run_week'),
        ),
        protect("rewards_reward"),
        protect("rewards_ineligibility"),
        protect("rewards_appeal"),
        protect("rewards_estimatedperson"),
        run_sql_file(__file__, "0001_rewards.sql"),
    ]
