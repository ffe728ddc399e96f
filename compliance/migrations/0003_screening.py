import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect, seal


class Migration(migrations.Migration):

    dependencies = [("compliance", "0002_letters"), ("ledger", "0005_bank_moves")]

    operations = [
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('pk', models.CompositePrimaryKey('user_id', 'payee_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('first_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('payee', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='ScoreVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField(unique=True)),
                ('scorer', models.TextField(db_default='weights')),
                ('weights', models.JSONField()),
                ('hold_at', models.SmallIntegerField()),
                ('deny_at', models.SmallIntegerField()),
                ('state', models.TextField(choices=[('shadow', 'Shadow'), ('active', 'Active'), ('retired', 'Retired')], db_default='shadow')),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('made_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Assessment',
            fields=[
                ('reference', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.TextField()),
                ('amount', models.BigIntegerField()),
                ('decision', models.TextField(choices=[('passed', 'Passed'), ('held', 'Held'), ('denied', 'Denied')])),
                ('score', models.SmallIntegerField()),
                ('signals', models.JSONField()),
                ('shadow', models.JSONField(db_default={})),
                ('at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('payee', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.scoreversion')),
            ],
        ),
        migrations.CreateModel(
            name='Standing',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('tier', models.SmallIntegerField(choices=[(1, 'Phone'), (2, 'Identity'), (3, 'Documents')])),
                ('reason', models.TextField()),
                ('since', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('tier__in', [1, 2, 3])), name='compliance_standing_tier')],
            },
        ),
        migrations.CreateModel(
            name='Limit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField(choices=[('sends_per_hour', 'Payments in an hour'), ('sends_per_day', 'Payments in a day'), ('per_transfer', 'One payment'), ('recipients_per_day', 'Different people in a day'), ('loads_per_week', 'Loads in a week'), ('loads_while_new', 'Loads in your first days'), ('new_for_days', 'Days for which an account is new'), ('days_before_redeeming', 'Days before the first redemption'), ('unseasoned_redeemable', 'Redemptions from fresh loads')])),
                ('tier', models.SmallIntegerField(choices=[(1, 'Phone'), (2, 'Identity'), (3, 'Documents')])),
                ('value', models.BigIntegerField(null=True)),
                ('effective_at', models.DateTimeField()),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('set_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['name', 'tier', '-effective_at', '-id'], name='compliance_limit_in_force')],
                'constraints': [models.CheckConstraint(condition=models.Q(('value', None), ('value__gte', 0), _connector='OR'), name='compliance_limit_value'), models.CheckConstraint(condition=models.Q(('name__in', ['sends_per_hour', 'sends_per_day', 'per_transfer', 'recipients_per_day', 'loads_per_week', 'loads_while_new', 'new_for_days', 'days_before_redeeming', 'unseasoned_redeemable']), ('tier__in', [1, 2, 3])), name='compliance_limit_known')],
            },
        ),
        migrations.AddConstraint(
            model_name='scoreversion',
            constraint=models.CheckConstraint(condition=models.Q(('deny_at__lte', 1001), ('hold_at__gte', 1), ('hold_at__lte', models.F('deny_at'))), name='compliance_score_thresholds'),
        ),
        migrations.AddConstraint(
            model_name='scoreversion',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['shadow', 'active', 'retired'])), name='compliance_score_state'),
        ),
        migrations.AddConstraint(
            model_name='scoreversion',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('state',), name='compliance_score_one_active'),
        ),
        protect("compliance_standing"),
        seal("compliance_assessment"),
        seal("compliance_contact"),
        migrations.RunSQL("CREATE POLICY auditor ON compliance_assessment FOR SELECT TO paya_auditor USING (true)", migrations.RunSQL.noop),
        run_sql_file(__file__, "0003_screening.sql"),
    ]
