import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect


class Migration(migrations.Migration):

    dependencies = [("compliance", "0005_support")]

    operations = [
        migrations.CreateModel(
            name='SanctionsRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause', models.TextField(choices=[('import', 'Another list'), ('setting', 'Other scores')])),
                ('entries', models.IntegerField(db_default=0)),
                ('added', models.IntegerField(db_default=0)),
                ('changed', models.IntegerField(db_default=0)),
                ('removed', models.IntegerField(db_default=0)),
                ('through', models.BigIntegerField(db_default=0)),
                ('people', models.BigIntegerField(db_default=0)),
                ('hits', models.IntegerField(db_default=0)),
                ('started_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()))),
                ('finished_at', models.DateTimeField(null=True)),
                ('claimed_until', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='FlagRule',
            fields=[
                ('rule', models.TextField(primary_key=True, serialize=False)),
                ('title', models.TextField()),
                ('weight', models.SmallIntegerField()),
                ('threshold', models.IntegerField()),
                ('minutes', models.IntegerField()),
                ('active', models.BooleanField(db_default=True)),
                ('changed_at', models.DateTimeField(null=True)),
                ('changed_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='NameCheck',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('asked_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()))),
                ('checked_at', models.DateTimeField(null=True)),
                ('claimed_until', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('checked_at', None)), fields=['asked_at'], name='compliance_namecheck_due')],
            },
        ),
        migrations.CreateModel(
            name='SanctionsEntry',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kind', models.TextField()),
                ('name', models.TextField()),
                ('aliases', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], size=None)),
                ('program', models.TextField(db_default='')),
                ('title', models.TextField(db_default='')),
                ('remarks', models.TextField(db_default='')),
                ('places', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], size=None)),
                ('key', models.TextField()),
                ('digest', models.TextField()),
                ('changed_in', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.sanctionsrun')),
                ('removed_in', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.sanctionsrun')),
            ],
        ),
        migrations.CreateModel(
            name='SanctionsSetting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('threshold', models.SmallIntegerField()),
                ('strong', models.SmallIntegerField()),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('chosen_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Flag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('rule', models.TextField()),
                ('bucket', models.TextField()),
                ('weight', models.SmallIntegerField()),
                ('detail', models.JSONField()),
                ('transfer', models.UUIDField(null=True)),
                ('at', models.DateTimeField()),
                ('created_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.case')),
                ('other', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'rule', 'bucket'), name='compliance_flag_once')],
            },
        ),
        migrations.CreateModel(
            name='SanctionsHit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(unique=True)),
                ('listed', models.TextField()),
                ('score', models.SmallIntegerField()),
                ('strong', models.BooleanField(db_default=False)),
                ('name_key', models.TextField()),
                ('entry_key', models.TextField()),
                ('state', models.TextField(choices=[('open', 'Open'), ('cleared', 'Cleared'), ('confirmed', 'Confirmed'), ('gone', 'Gone')], db_default='open')),
                ('found_at', models.DateTimeField(db_default=models.Func(function='core_now', output_field=models.DateTimeField()), editable=False)),
                ('decided_at', models.DateTimeField(null=True)),
                ('reason', models.TextField(db_default='')),
                ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.case')),
                ('decided_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.sanctionsentry')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'entry', 'name_key', 'entry_key'), name='compliance_sanctionshit_once'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'cleared', 'confirmed', 'gone'])), name='compliance_sanctionshit_state')],
            },
        ),
        protect("compliance_flag", staff_reads=False),
        protect("compliance_namecheck", staff_reads=False),
        protect("compliance_sanctionshit", staff_reads=False),
        run_sql_file(__file__, "0006_flags.sql"),
        run_sql_file(__file__, "0006_sanctions.sql"),
    ]
