"""Asking a bank whether its account holder is the person."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import banking.models.identity
from core.migrate import run_sql_file
from core.rls import protect

_STATUSES = [
    ("waiting", "Waiting"), ("matched", "Matched"), ("not_matched", "Not Matched"), ("not_told", "Not Told"),
    ("unreachable", "Unreachable"),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("banking", "0022_screened"),
        ("compliance", "0004_tiers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IdentityCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=models.Func(function="core_now", output_field=models.DateTimeField()), editable=False
                    ),
                ),
                ("public_id", models.TextField(default=banking.models.identity.new_check_id, unique=True)),
                ("legal_name", models.BinaryField()),
                ("name_index", models.BinaryField()),
                ("status", models.TextField(choices=_STATUSES, db_default="waiting", default="waiting")),
                ("name_score", models.SmallIntegerField(null=True)),
                ("phone_score", models.SmallIntegerField(null=True)),
                ("outcome", models.TextField(db_default="", default="")),
                ("attempts", models.SmallIntegerField(db_default=0, default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="identity_checks", to="banking.bankaccount"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=Q(due_at__isnull=False), fields=["due_at"], name="banking_check_due"),
                    models.Index(fields=["user", "-id"], name="banking_check_person"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(status="waiting"), fields=["user"], name="banking_check_one_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=(Q(name_score=None) | Q(name_score__range=(0, 100)))
                        & (Q(phone_score=None) | Q(phone_score__range=(0, 100))),
                        name="banking_check_scores",
                    ),
                    models.CheckConstraint(
                        condition=Q(status="waiting", answered_at=None, due_at__isnull=False)
                        | Q(
                            status__in=["matched", "not_matched", "not_told", "unreachable"],
                            answered_at__isnull=False, due_at=None,
                        ),
                        name="banking_check_answered",
                    ),
                ],
            },
        ),
        protect("banking_identitycheck", staff_reads=False),
        run_sql_file(__file__, "0023_identity.sql"),
    ]
