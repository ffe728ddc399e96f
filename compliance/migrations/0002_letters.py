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
        migrations.CreateModel(
            name='Freeze',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('kind', models.TextField(choices=[('staff', 'Staff'), ('command', 'Command')])),
                ('level', models.SmallIntegerField()),
                ('reason', models.TextField()),
                ('at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('staff', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-id'], name='compliance_freeze_person')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('user', 'kind', 'level'), name='compliance_freeze_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['staff', 'command']), ('level__in', [1, 2]), models.Q(('kind', 'command'), ('staff__isnull', False), _connector='OR'), models.Q(('ended_by', None), ('ended_at__isnull', False), _connector='OR')), name='compliance_freeze_whole')],
            },
        ),
        migrations.CreateModel(
            name='PersonNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField()),
                ('at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('staff', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-id'], name='compliance_note_person')],
            },
        ),
        migrations.CreateModel(
            name='Withdrawal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('amount', models.BigIntegerField()),
                ('bank_account', models.TextField()),
                ('status', models.TextField(choices=[('asked', 'Asked'), ('approved', 'Approved'), ('sent', 'Sent'), ('denied', 'Denied'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], db_default='asked')),
                ('transfer', models.TextField(null=True)),
                ('told', models.TextField(db_default='')),
                ('asked_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('decided_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('decided_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('started_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-id'], name='compliance_withdrawal_person'), models.Index(condition=models.Q(('status', 'approved')), fields=['id'], name='compliance_withdrawal_due')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['asked', 'approved'])), fields=('user',), name='compliance_withdrawal_open'), models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('status__in', ['asked', 'approved', 'sent', 'denied', 'cancelled', 'failed']), models.Q(models.Q(('status__in', ['approved', 'sent']), _negated=True), ('decided_by__isnull', False), _connector='OR'), models.Q(models.Q(('status', 'sent'), _negated=True), ('transfer__isnull', False), _connector='OR')), name='compliance_withdrawal_whole')],
            },
        ),
        protect("compliance_freeze", staff_reads=False),
        protect("compliance_personnote", staff_reads=False),
        protect("compliance_withdrawal", staff_reads=False),
        run_sql_file(__file__, "0002_freezes.sql"),
    ]
