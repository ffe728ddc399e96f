import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import compliance.models.tiers
from core.migrate import run_sql_file
from core.rls import protect


def _user(null: bool = False) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, null=null, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
    )


_ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
_NOW = models.Func(function="core_now", output_field=models.DateTimeField())
_KINDS = [
    ("passport", "Passport"), ("driving_licence", "Driver’s license"), ("id_card", "ID card"), ("residence_permit", "Residence permit"),
]  # fmt: skip
_STATUSES = [
    ("storing", "Storing"), ("waiting", "Waiting"), ("accepted", "Accepted"), ("refused", "Refused"), ("abandoned", "Abandoned"),
]  # fmt: skip


class Migration(migrations.Migration):

    dependencies = [("compliance", "0003_screening")]

    operations = [
        migrations.CreateModel(
            name="Document",
            fields=[
                _ID,
                ("public_id", models.TextField(default=compliance.models.tiers.new_document_id, unique=True)),
                ("kind", models.TextField(choices=_KINDS)),
                ("media_type", models.TextField()),
                ("pages", models.SmallIntegerField()),
                ("size", models.IntegerField()),
                ("digest_index", models.BinaryField()),
                ("content_key", models.BinaryField()),
                ("status", models.TextField(choices=_STATUSES, db_default="storing")),
                ("created_at", models.DateTimeField(db_default=_NOW, editable=False)),
                ("decided_at", models.DateTimeField(null=True)),
                ("words", models.TextField(db_default="")),
                ("removed_at", models.DateTimeField(null=True)),
                ("decided_by", _user(null=True)),
                ("user", _user()),
            ],
            options={
                "indexes": [models.Index(fields=["user", "-id"], name="compliance_document_person")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=~Q(status__in=["refused", "abandoned"]), fields=["user", "digest_index"], name="compliance_document_once"
                    ),
                    models.CheckConstraint(
                        condition=Q(kind__in=["passport", "driving_licence", "id_card", "residence_permit"])
                        & Q(media_type__in=["image/jpeg", "application/pdf"])
                        & Q(status__in=["storing", "waiting", "accepted", "refused", "abandoned"])
                        & Q(size__range=(1, 10 * 1024 * 1024)),
                        name="compliance_document_words",
                    ),
                    models.CheckConstraint(
                        condition=Q(status__in=["accepted", "refused"], decided_at__isnull=False, decided_by__isnull=False)
                        | Q(status__in=["storing", "waiting", "abandoned"], decided_at=None, decided_by=None),
                        name="compliance_document_decided",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TierChange",
            fields=[
                _ID,
                ("before", models.SmallIntegerField()),
                ("after", models.SmallIntegerField()),
                ("cause", models.TextField(choices=[("identity", "Identity"), ("document", "Document"), ("staff", "Staff")])),
                ("evidence", models.JSONField(db_default={})),
                ("reason", models.TextField(db_default="")),
                ("at", models.DateTimeField(db_default=_NOW, editable=False)),
                ("staff", _user(null=True)),
                ("user", _user()),
            ],
            options={
                "indexes": [models.Index(fields=["user", "-id"], name="compliance_tier_person")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(before__range=(1, 3)) & Q(after__range=(1, 3)) & ~Q(before=models.F("after"))
                        & Q(cause__in=["identity", "document", "staff"]),
                        name="compliance_tier_moves",
                    )
                ],
            },
        ),
        protect("compliance_document", staff_reads=False),
        protect("compliance_tierchange", staff_reads=False),
        run_sql_file(__file__, "0004_tiers.sql"),
    ]
