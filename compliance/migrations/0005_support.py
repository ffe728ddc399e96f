"""Tickets, appeals, and disputes with their clocks."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.calendar import bank_holidays
from core.migrate import run_sql_file
from core.rls import protect


def add_holidays(apps: Any, schema_editor: Any) -> None:
    holiday = apps.get_model("compliance", "Holiday")
    holiday.objects.bulk_create([holiday(day=day) for year in range(2024, 2051) for day in sorted(bank_holidays(year))])


class Migration(migrations.Migration):

    dependencies = [("compliance", "0004_tiers")]

    operations = [
        migrations.CreateModel(
            name='Holiday',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('about', models.TextField()),
                ('kind', models.TextField(choices=[('unauthorized', 'I did not make this'), ('wrong_amount', 'The amount is wrong'), ('duplicate', 'It was made twice'), ('not_arrived', 'It did not arrive'), ('other', 'Something else')])),
                ('amount', models.BigIntegerField()),
                ('message', models.TextField()),
                ('happened_at', models.DateTimeField()),
                ('in_time', models.BooleanField()),
                ('new_account', models.BooleanField()),
                ('case', models.TextField()),
                ('status', models.TextField(choices=[('open', 'We are looking into it'), ('credited', 'Credited while we look into it'), ('extended', 'We need longer'), ('decided', 'Decided, being put right'), ('closed', 'Closed')], db_default='open')),
                ('priority', models.SmallIntegerField(choices=[(1, 'High'), (2, 'Usual'), (3, 'Low')], db_default=2)),
                ('reported_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('decide_by', models.DateTimeField()),
                ('final_by', models.DateTimeField()),
                ('credited', models.BigIntegerField(db_default=0)),
                ('credited_at', models.DateTimeField(null=True)),
                ('tell_by', models.DateTimeField(null=True)),
                ('told_at', models.DateTimeField(null=True)),
                ('extended_at', models.DateTimeField(null=True)),
                ('outcome', models.TextField(choices=[('error', 'It was an error'), ('partly', 'It was partly an error'), ('no_error', 'No error was found')], null=True)),
                ('owed', models.BigIntegerField(null=True)),
                ('result', models.TextField(null=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('correct_by', models.DateTimeField(null=True)),
                ('result_by', models.DateTimeField(null=True)),
                ('result_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('assignee', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='DisputeMoney',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.TextField(choices=[('provisional', 'Provisional credit'), ('correction', 'Result')])),
                ('amount', models.BigIntegerField()),
                ('reference', models.UUIDField(unique=True)),
                ('asked_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('decided_at', models.DateTimeField(null=True)),
                ('approved', models.BooleanField(null=True)),
                ('moved', models.BigIntegerField(null=True)),
                ('asked_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dispute', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.dispute')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Ticket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('subject', models.TextField()),
                ('about', models.TextField(db_default='')),
                ('status', models.TextField(choices=[('open', 'Waits for us'), ('waiting', 'Waits for the person'), ('solved', 'Solved')], db_default='open')),
                ('priority', models.SmallIntegerField(choices=[(1, 'High'), (2, 'Usual'), (3, 'Low')], db_default=2)),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('updated_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('waiting_since', models.DateTimeField(null=True)),
                ('assignee', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='TicketMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('body', models.TextField()),
                ('at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('staff', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='compliance.ticket')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('against', models.TextField()),
                ('about', models.TextField(db_default='')),
                ('message', models.TextField()),
                ('status', models.TextField(choices=[('open', 'Open'), ('answered', 'Answered')], db_default='open')),
                ('priority', models.SmallIntegerField(choices=[(1, 'High'), (2, 'Usual'), (3, 'Low')], db_default=2)),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('due_at', models.DateTimeField()),
                ('outcome', models.TextField(choices=[('upheld', 'The decision stands'), ('changed', 'The decision was changed')], null=True)),
                ('answer', models.TextField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('answered_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('assignee', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'open')), fields=['priority', 'due_at'], name='compliance_appeal_queue'), models.Index(fields=['user', '-id'], name='compliance_appeal_person')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'open')), fields=('user', 'about'), name='compliance_appeal_open'), models.CheckConstraint(condition=models.Q(models.Q(('answer', None), ('answered_at', None), ('answered_by', None), ('outcome', None), ('status', 'open')), models.Q(('answer__isnull', False), ('answered_at__isnull', False), ('answered_by__isnull', False), ('outcome__in', ['upheld', 'changed']), ('status', 'answered')), _connector='OR'), name='compliance_appeal_answered')],
            },
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(condition=models.Q(('status', 'closed'), _negated=True), fields=['due_at'], name='compliance_dispute_queue'),
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(fields=['user', '-id'], name='compliance_dispute_person'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(fields=('user', 'about'), name='compliance_dispute_once'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('credited__gte', 0)), name='compliance_dispute_amount'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('credited__lte', models.F('amount'))), name='compliance_dispute_credit'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('due_at', None), ('status', 'closed')), models.Q(models.Q(('status', 'closed'), _negated=True), ('due_at__isnull', False)), _connector='OR'), name='compliance_dispute_due'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_by', None), ('outcome', None), ('owed', None), ('result', None), ('status__in', ['open', 'credited', 'extended'])), models.Q(('decided_by__isnull', False), ('outcome__in', ['error', 'partly', 'no_error']), ('owed__gte', 0), ('owed__lte', models.F('amount')), ('result__isnull', False), ('status__in', ['decided', 'closed'])), _connector='OR'), name='compliance_dispute_result'),
        ),
        migrations.AddConstraint(
            model_name='disputemoney',
            constraint=models.UniqueConstraint(condition=models.Q(('decided_at', None)), fields=('dispute',), name='compliance_disputemoney_waits'),
        ),
        migrations.AddConstraint(
            model_name='disputemoney',
            constraint=models.CheckConstraint(condition=models.Q(('asked_by', models.F('decided_by')), _negated=True), name='compliance_disputemoney_two'),
        ),
        migrations.AddConstraint(
            model_name='disputemoney',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='compliance_disputemoney_amount'),
        ),
        migrations.AddConstraint(
            model_name='disputemoney',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('approved', None), ('decided_at', None), ('decided_by', None), ('moved', None)), models.Q(('approved', False), ('decided_at__isnull', False), ('decided_by__isnull', False), ('moved', None)), models.Q(('approved', True), ('decided_at__isnull', False), ('decided_by__isnull', False), ('moved__isnull', False)), _connector='OR'), name='compliance_disputemoney_decided'),
        ),
        migrations.AddConstraint(
            model_name='disputemoney',
            constraint=models.CheckConstraint(condition=models.Q(('purpose', 'correction'), models.Q(('amount__gt', 0), ('purpose', 'provisional')), _connector='OR'), name='compliance_disputemoney_purpose'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['priority', 'waiting_since'], name='compliance_ticket_queue'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['user', '-id'], name='compliance_ticket_person'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'open'), ('waiting_since__isnull', False)), models.Q(('status__in', ['waiting', 'solved']), ('waiting_since', None)), _connector='OR'), name='compliance_ticket_waits'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(('priority__in', [1, 2, 3])), name='compliance_ticket_priority'),
        ),
        migrations.AddIndex(
            model_name='ticketmessage',
            index=models.Index(fields=['user', '-id'], name='compliance_message_person'),
        ),
        protect("compliance_ticket", staff_reads=False),
        protect("compliance_ticketmessage", staff_reads=False),
        protect("compliance_appeal", staff_reads=False),
        protect("compliance_dispute", staff_reads=False),
        protect("compliance_disputemoney", staff_reads=False),
        migrations.RunPython(add_holidays, migrations.RunPython.noop),
        run_sql_file(__file__, "0005_disputes.sql"),
        run_sql_file(__file__, "0005_tickets.sql"),
        run_sql_file(__file__, "0005_appeals.sql"),
        run_sql_file(__file__, "0005_support_rights.sql"),
    ]
