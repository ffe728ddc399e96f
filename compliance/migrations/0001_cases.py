import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect


class Migration(migrations.Migration):

    dependencies = [("users", "0001_initial"), ("wallets", "0002_thawing"), ("ledger", "0004_post_out"), ("core", "0003_outbox_lag")]

    operations = [
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('kind', models.TextField()),
                ('about', models.TextField(db_default='')),
                ('summary', models.TextField()),
                ('detail', models.JSONField(db_default={})),
                ('priority', models.SmallIntegerField(choices=[(1, 'High'), (2, 'Usual'), (3, 'Low')], db_default=2)),
                ('status', models.TextField(choices=[('open', 'Open'), ('closed', 'Closed')], db_default='open')),
                ('outcome', models.TextField(choices=[('no_action', 'No Action'), ('watched', 'Watched'), ('restricted', 'Restricted'), ('released', 'Released'), ('denied', 'Denied'), ('cancelled', 'Cancelled'), ('refunded', 'Refunded'), ('cleared', 'Cleared'), ('confirmed', 'Confirmed'), ('reported', 'Reported')], null=True)),
                ('label', models.TextField(choices=[('legitimate', 'Legitimate'), ('false_positive', 'False Positive'), ('fraud', 'Fraud'), ('scam', 'Scam (the person was deceived)'), ('mule', 'Money mule'), ('takeover', 'Account takeover'), ('abuse', 'Abuse'), ('sanctioned', 'Sanctioned'), ('unclear', 'Unclear')], null=True)),
                ('result', models.TextField(null=True)),
                ('signals', models.JSONField(db_default={})),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('due_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('assignee', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('closed_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='CaseNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField()),
                ('at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.case')),
                ('staff', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Verdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField()),
                ('outcome', models.TextField(choices=[('no_action', 'No Action'), ('watched', 'Watched'), ('restricted', 'Restricted'), ('released', 'Released'), ('denied', 'Denied'), ('cancelled', 'Cancelled'), ('refunded', 'Refunded'), ('cleared', 'Cleared'), ('confirmed', 'Confirmed'), ('reported', 'Reported')])),
                ('label', models.TextField(choices=[('legitimate', 'Legitimate'), ('false_positive', 'False Positive'), ('fraud', 'Fraud'), ('scam', 'Scam (the person was deceived)'), ('mule', 'Money mule'), ('takeover', 'Account takeover'), ('abuse', 'Abuse'), ('sanctioned', 'Sanctioned'), ('unclear', 'Unclear')])),
                ('result', models.TextField()),
                ('signals', models.JSONField()),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.case')),
                ('staff', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['priority', 'due_at'], name='compliance_case_queue'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['user', '-id'], name='compliance_case_person'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'open')), fields=('user', 'kind', 'about'), name='compliance_case_open'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(('priority__in', [1, 2, 3])), name='compliance_case_priority'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('closed_by', None), ('label', None), ('outcome', None), ('result', None), ('status', 'open')), models.Q(('closed_at__isnull', False), ('label__in', ['legitimate', 'false_positive', 'fraud', 'scam', 'mule', 'takeover', 'abuse', 'sanctioned', 'unclear']), ('outcome__in', ['no_action', 'watched', 'restricted', 'released', 'denied', 'cancelled', 'refunded', 'cleared', 'confirmed', 'reported']), ('result__isnull', False), ('status', 'closed')), _connector='OR'), name='compliance_case_ended'),
        ),
        migrations.AddConstraint(
            model_name='casenote',
            constraint=models.UniqueConstraint(models.F('case'), models.F('staff'), models.Func('note', function='md5'), name='compliance_casenote_once'),
        ),
        migrations.AddConstraint(
            model_name='verdict',
            constraint=models.CheckConstraint(condition=models.Q(('label__in', ['legitimate', 'false_positive', 'fraud', 'scam', 'mule', 'takeover', 'abuse', 'sanctioned', 'unclear']), ('outcome__in', ['no_action', 'watched', 'restricted', 'released', 'denied', 'cancelled', 'refunded', 'cleared', 'confirmed', 'reported'])), name='compliance_verdict_words'),
        ),
        protect("compliance_case", staff_reads=False),
        protect("compliance_verdict", staff_reads=False),
        protect("compliance_casenote", staff_reads=False),
        run_sql_file(__file__, "0001_cases.sql"),
    ]
