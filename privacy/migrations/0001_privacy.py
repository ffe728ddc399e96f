import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect


class Migration(migrations.Migration):
    # Erasing a person touches the columns of all rooms below.
    dependencies = [
        ("core", "0005_privacy"),
        ("users", "0002_terms"),
        ("wallets", "0003_closing"),
        ("compliance", "0006_flags"),
        ("banking", "0023_identity"),
        ("payments", "0003_in_review"),
        ("rewards", "0001_initial"),
        ("transparency", "0002_attestations"),
    ]

    operations = [
        migrations.CreateModel(
            name='RetentionRun',
            fields=[
                ('name', models.TextField(primary_key=True, serialize=False)),
                ('ran_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()))),
                ('removed', models.BigIntegerField(db_default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Closing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('state', models.TextField(choices=[('open', 'Open'), ('cancelled', 'Cancelled'), ('closed', 'Closed'), ('erased', 'Erased')], db_default='open')),
                ('waits_for', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], size=None)),
                ('frozen', models.SmallIntegerField(db_default=0)),
                ('frozen_reason', models.TextField(db_default='')),
                ('swept', models.BigIntegerField(db_default=0)),
                ('aside', models.BigIntegerField(db_default=0)),
                ('asked_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()))),
                ('due_at', models.DateTimeField(null=True)),
                ('attempts', models.SmallIntegerField(db_default=0)),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('erase_after', models.DateTimeField(null=True)),
                ('erased_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-id'], name='privacy_closing_user'), models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='privacy_closing_due')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('cancelled_at', None), ('closed_at', None), ('erased_at', None), ('state', 'open')), models.Q(('cancelled_at__isnull', False), ('closed_at', None), ('erased_at', None), ('state', 'cancelled')), models.Q(('cancelled_at', None), ('closed_at__isnull', False), ('erased_at', None), ('state', 'closed')), models.Q(('cancelled_at', None), ('closed_at__isnull', False), ('erased_at__isnull', False), ('state', 'erased')), _connector='OR'), name='privacy_closing_state'), models.UniqueConstraint(condition=models.Q(('state', 'cancelled'), _negated=True), fields=('user',), name='privacy_closing_once')],
            },
        ),
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('status', models.TextField(choices=[('requested', 'Requested'), ('running', 'Running'), ('ready', 'Ready'), ('expired', 'Expired'), ('failed', 'Failed')], db_default='requested')),
                ('progress', models.SmallIntegerField(db_default=0)),
                ('attempts', models.SmallIntegerField(db_default=0)),
                ('asked_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()))),
                ('due_at', models.DateTimeField(null=True)),
                ('ready_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('size', models.BigIntegerField(null=True)),
                ('content_key', models.BinaryField(null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-id'], name='privacy_export_user'), models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='privacy_export_due')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['requested', 'running', 'ready', 'expired', 'failed'])), name='privacy_export_status'), models.CheckConstraint(condition=models.Q(('progress__gte', 0), ('progress__lte', 100)), name='privacy_export_progress'), models.UniqueConstraint(condition=models.Q(('status__in', ['requested', 'running'])), fields=('user',), name='privacy_export_one_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField()),
                ('placed_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()))),
                ('lifted_at', models.DateTimeField(null=True)),
                ('lifted_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('placed_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('user',), name='privacy_legalhold_once'), models.CheckConstraint(condition=models.Q(models.Q(('lifted_at', None), ('lifted_by', None)), models.Q(('lifted_at__isnull', False), ('lifted_by__isnull', False)), _connector='OR'), name='privacy_legalhold_lifted')],
            },
        ),
        migrations.CreateModel(
            name='Retention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('days', models.IntegerField()),
                ('effective_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()))),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()))),
                ('chosen_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['name', '-effective_at', '-id'], name='privacy_retention_newest')],
            },
        ),
        protect("privacy_export", staff_reads=False),
        protect("privacy_closing"),
        protect("privacy_legalhold"),
        run_sql_file(__file__, "0001_privacy.sql"),
    ]
