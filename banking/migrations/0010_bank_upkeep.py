"""Withdrawn permissions, what is looked after between a person's visits, and where a visit to Plaid's page goes on."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from core.migrate import run_sql_file
from core.rls import protect

_ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
_CREATED = (
    "created_at",
    models.DateTimeField(
        db_default=models.Func(function="core_now", output_field=models.DateTimeField()), editable=False
    ),
)
_USER = (
    "user",
    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
)
_OPEN = Q(("state__in", ["waiting", "sending"]))


def _one(to: str, name: str) -> models.OneToOneField:
    return models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name=name, to=to)


class Migration(migrations.Migration):
    dependencies = [
        ("banking", "0009_returns"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BankIdentity",
            fields=[
                _ID,
                _CREATED,
                ("name_score", models.SmallIntegerField(null=True)),
                ("phone_score", models.SmallIntegerField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("attempts", models.SmallIntegerField(db_default=0, default=0)),
                ("outcome", models.TextField(db_default="", default="")),
                ("account", _one("banking.bankaccount", "identity")),
                _USER,
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=(Q(name_score=None) | Q(name_score__range=(0, 100)))
                        & (Q(phone_score=None) | Q(phone_score__range=(0, 100))),
                        name="banking_identity_scores",
                    )
                ],
                "indexes": [models.Index(condition=Q(due_at__isnull=False), fields=["due_at"], name="banking_identity_due")],
            },
        ),
        migrations.CreateModel(
            name="ItemWatch",
            fields=[
                _ID,
                _CREATED,
                ("due_at", models.DateTimeField()),
                ("relinking_until", models.DateTimeField(null=True)),
                ("relink_by", models.DateField(null=True)),
                ("item", _one("banking.bankitem", "watch")),
                _USER,
            ],
            options={"indexes": [models.Index(fields=["due_at"], name="banking_watch_due")]},
        ),
        migrations.CreateModel(
            name="OutageNotice",
            fields=[
                _ID,
                _CREATED,
                ("provider", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("waiting", "Waiting"), ("sending", "Sending"), ("sent", "Sent"), ("unknown", "Unknown"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("claimed_at", models.DateTimeField(null=True)),
                ("attempts", models.SmallIntegerField(db_default=0, default=0)),
                _USER,
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(condition=_OPEN, fields=("user", "provider"), name="banking_notice_once"),
                    models.CheckConstraint(
                        condition=Q(state__in=["waiting", "sending", "sent", "unknown", "failed"]),
                        name="banking_notice_state",
                    ),
                ],
                "indexes": [models.Index(condition=_OPEN, fields=["provider", "due_at"], name="banking_notice_due")],
            },
        ),
        migrations.AddField("linksession", "hosted_url", models.BinaryField(null=True)),
        migrations.AddField("linksession", "repairs", models.TextField(null=True)),
        migrations.AlterField(
            "bankaccount",
            "status",
            models.TextField(
                choices=[("active", "Active"), ("relink", "Relink"), ("revoked", "Revoked"), ("removed", "Removed")],
                default="active",
            ),
        ),
        migrations.AlterField(
            "bankitem",
            "status",
            models.TextField(
                choices=[
                    ("linking", "Linking"), ("active", "Active"), ("relink", "Relink"), ("revoked", "Revoked"),
                    ("removed", "Removed"),
                ],
                default="linking",
            ),
        ),
        # One status more: every row there is satisfies it, so none needs to be read.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("bankaccount", "banking_account_status"),
                migrations.AddConstraint(
                    "bankaccount",
                    models.CheckConstraint(
                        condition=Q(status__in=["active", "relink", "revoked", "removed"]), name="banking_account_status"
                    ),
                ),
            ]
        ),
        run_sql_file(__file__, "0010_bank_upkeep.sql"),
        protect("banking_itemwatch", staff_reads=False),
        protect("banking_bankidentity"),
        protect("banking_outagenotice", staff_reads=False),
    ]  # fmt: skip
