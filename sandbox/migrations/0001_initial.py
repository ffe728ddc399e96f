# ruff: noqa: E501 - as Django wrote it

import django.db.models.deletion
from django.db import migrations, models

import sandbox.models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='BankAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=100)),
                ('official_name', models.CharField(max_length=120)),
                ('bank_name', models.CharField(max_length=80)),
                ('subtype', models.CharField(max_length=20)),
                ('routing', models.CharField(max_length=9)),
                ('number', models.CharField(max_length=17)),
                ('balance', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(default=sandbox.models.new_uid, max_length=36, unique=True)),
                ('first_name', models.CharField(max_length=100)),
                ('last_name', models.CharField(max_length=100)),
                ('business_name', models.CharField(blank=True, max_length=100)),
                ('email', models.CharField(max_length=254, unique=True)),
                ('type', models.CharField(max_length=20)),
                ('status', models.CharField(max_length=20)),
                ('correlation_id', models.CharField(blank=True, db_index=True, max_length=255)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='DwollaToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(max_length=64, unique=True)),
                ('expires_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(default=sandbox.models.new_uid, max_length=36, unique=True)),
                ('topic', models.CharField(max_length=60)),
                ('resource', models.CharField(max_length=200)),
                ('customer_uid', models.CharField(blank=True, max_length=36)),
                ('correlation_id', models.CharField(blank=True, max_length=255)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Fault',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('vendor', models.CharField(max_length=10)),
                ('path', models.CharField(blank=True, max_length=200)),
                ('mode', models.CharField(max_length=12)),
                ('seconds', models.FloatField(default=0)),
                ('times_left', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255, unique=True)),
                ('fingerprint', models.CharField(max_length=64)),
                ('location', models.CharField(max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Item',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(max_length=40, unique=True)),
                ('institution_id', models.CharField(max_length=20)),
                ('access_token', models.CharField(max_length=80, null=True, unique=True)),
                ('webhook', models.CharField(blank=True, max_length=500)),
                ('products', models.JSONField(default=list)),
                ('owner_name', models.CharField(blank=True, max_length=120)),
                ('owner_phone', models.CharField(blank=True, max_length=20)),
                ('login_required', models.BooleanField(default=False)),
                ('removed', models.BooleanField(default=False)),
                ('last_webhook', models.CharField(blank=True, max_length=40)),
                ('last_webhook_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='LinkToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(max_length=80, unique=True)),
                ('request', models.JSONField()),
                ('expires_at', models.DateTimeField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Sms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sid', models.CharField(max_length=34, unique=True)),
                ('account_sid', models.CharField(max_length=64)),
                ('to', models.CharField(db_index=True, max_length=20)),
                ('sender', models.CharField(max_length=64)),
                ('body', models.TextField()),
                ('sent_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(default=sandbox.models.new_uid, max_length=36, unique=True)),
                ('url', models.CharField(max_length=500)),
                ('secret', models.CharField(max_length=200)),
                ('paused', models.BooleanField(default=False)),
                ('automatic', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Bank',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('today', models.DateField()),
                ('webhook_mode', models.CharField(default='on', max_length=10)),
                ('account_uid', models.CharField(default=sandbox.models.new_uid, max_length=36)),
                ('plaid_key_id', models.CharField(default=sandbox.models.new_uid, max_length=36)),
                ('plaid_key_pem', models.TextField()),
                ('plaid_key_created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_bank')],
            },
        ),
        migrations.CreateModel(
            name='Exchange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(default=sandbox.models.new_uid, max_length=36, unique=True)),
                ('token', models.CharField(max_length=80)),
                ('created_at', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='sandbox.bankaccount')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='sandbox.customer')),
            ],
        ),
        migrations.CreateModel(
            name='FundingSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(default=sandbox.models.new_uid, max_length=36, unique=True)),
                ('kind', models.CharField(max_length=10)),
                ('name', models.CharField(max_length=100)),
                ('verified', models.BooleanField(default=True)),
                ('removed', models.BooleanField(default=False)),
                ('micro_deposits', models.CharField(blank=True, max_length=10)),
                ('micro_deposit_tries', models.PositiveSmallIntegerField(default=0)),
                ('balance', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='sandbox.bankaccount')),
                ('customer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='funding_sources', to='sandbox.customer')),
            ],
        ),
        migrations.AddField(
            model_name='bankaccount',
            name='item',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='accounts', to='sandbox.item'),
        ),
        migrations.CreateModel(
            name='ProcessorToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(max_length=80, unique=True)),
                ('processor', models.CharField(max_length=40)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='sandbox.bankaccount')),
            ],
        ),
        migrations.CreateModel(
            name='PublicToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(max_length=80, unique=True)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='sandbox.item')),
            ],
        ),
        migrations.CreateModel(
            name='LinkSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(default=sandbox.models.new_uid, max_length=36, unique=True)),
                ('outcome', models.CharField(blank=True, max_length=10)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('link_token', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='sandbox.linktoken')),
                ('public_token', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='sandbox.publictoken')),
            ],
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(default=sandbox.models.new_uid, max_length=36, unique=True)),
                ('vendor', models.CharField(max_length=10)),
                ('url', models.CharField(max_length=500)),
                ('body', models.TextField()),
                ('topic', models.CharField(max_length=60)),
                ('signing', models.CharField(blank=True, max_length=200)),
                ('state', models.CharField(default='pending', max_length=10)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('attempts', models.JSONField(default=list)),
                ('due_at', models.DateTimeField(db_index=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('event', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='sandbox.event')),
                ('subscription', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='sandbox.subscription')),
            ],
        ),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.CharField(default=sandbox.models.new_uid, max_length=36, unique=True)),
                ('cents', models.BigIntegerField()),
                ('status', models.CharField(default='pending', max_length=10)),
                ('correlation_id', models.CharField(blank=True, db_index=True, max_length=255)),
                ('metadata', models.JSONField(default=dict)),
                ('clearing', models.JSONField(null=True)),
                ('due_on', models.DateField(null=True)),
                ('returns_as', models.CharField(blank=True, max_length=3)),
                ('returns_late', models.BooleanField(default=False)),
                ('failure_code', models.CharField(blank=True, max_length=3)),
                ('created_at', models.DateTimeField()),
                ('destination', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='incoming', to='sandbox.fundingsource')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outgoing', to='sandbox.fundingsource')),
            ],
        ),
        migrations.AddConstraint(
            model_name='fundingsource',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('account', None), ('kind', 'balance')), models.Q(('account__isnull', False), ('kind', 'bank')), _connector='OR'), name='a_bank_has_an_account'),
        ),
        migrations.AddIndex(
            model_name='bankaccount',
            index=models.Index(fields=['routing', 'number'], name='bank_account_number'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['due_at'], name='deliveries_due'),
        ),
        migrations.AddIndex(
            model_name='transfer',
            index=models.Index(condition=models.Q(('due_on__isnull', False)), fields=['due_on'], name='transfers_due'),
        ),
        migrations.AddConstraint(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(('cents__gt', 0)), name='transfer_positive'),
        ),
    ]
