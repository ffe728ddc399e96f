"""Several rails behind one port: a bank account's id at each of them, staff's choice, cancelling, presenting again.

What a bank account is called at Dwolla used to stand in the account itself. Those columns stay, for the release that
runs beside this one; `banking.services.sources.take_over` moves what they hold.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import banking.models.links
from core.migrate import run_sql_file
from core.rls import protect

_ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
_NOW = models.Func(function="core_now", output_field=models.DateTimeField())


def _of(to: str, name: str = "+") -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=name, to=to)


class Migration(migrations.Migration):
    dependencies = [
        ("banking", "0003_woken_at"),
        ("console", "0002_actions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("bankaccount", "is_default", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("bankaccount", "blocked_by", models.TextField(db_default="", default="")),
        migrations.AlterField("bankaccount", "funding_source", models.BinaryField(null=True)),
        migrations.AlterField("bankaccount", "source_index", models.BinaryField(null=True)),
        migrations.AddField(
            "banktransfer",
            "cancel",
            models.TextField(
                choices=[("no", "No"), ("asked", "Asked"), ("refused", "Refused")], db_default="no", default="no"
            ),
        ),
        migrations.AddField("banktransfer", "settled_at", models.DateTimeField(null=True)),
        migrations.AddField("banktransfer", "presentment", models.SmallIntegerField(db_default=0, default=0)),
        migrations.AddField(
            "banktransfer",
            "represents",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="presented_again",
                to="banking.banktransfer",
            ),
        ),
        migrations.AlterField("banktransfer", "rail", models.TextField()),
        migrations.AlterField("railcustomer", "rail", models.TextField()),
        migrations.CreateModel(
            name="BankSource",
            fields=[
                _ID,
                ("created_at", models.DateTimeField(db_default=_NOW, editable=False)),
                ("public_id", models.TextField(default=banking.models.links.new_source_id, unique=True)),
                ("rail", models.TextField()),
                ("source", models.BinaryField()),
                ("source_index", models.BinaryField()),
                ("account", _of("banking.bankaccount", "sources")),
                ("user", _of(settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("account", "rail"), name="banking_source_per_rail"),
                    models.UniqueConstraint(fields=("user", "rail", "source_index"), name="banking_source_of_one"),
                ],
                "indexes": [models.Index(fields=["source_index"], name="banking_source_index")],
            },
        ),
        migrations.CreateModel(
            name="RailChoice",
            fields=[
                _ID,
                ("kind", models.TextField(choices=[("load", "Load"), ("redemption", "Redemption")])),
                ("rail", models.TextField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(db_default=_NOW, editable=False)),
                ("chosen_by", _of(settings.AUTH_USER_MODEL)),
            ],
            options={"indexes": [models.Index(fields=["kind", "-id"], name="banking_choice_of_kind")]},
        ),
        run_sql_file(__file__, "0004_rails.sql"),
        protect("banking_banksource", staff_reads=False),
    ]
