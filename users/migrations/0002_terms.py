import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from core.migrate import run_sql_file
from core.rls import protect, seal

# As users/models.py has it; there in words, here for the state that later migrations start from.
PERSON_OR_STAFF = (
    Q(
        kind="person", phone_index__isnull=False, phone_cipher__isnull=False, email__isnull=True,
        password__startswith="!", is_superuser=False,
    )
    | Q(
        kind="person", phone_index__isnull=True, phone_cipher__isnull=True, email__isnull=True, password__startswith="!",
        is_superuser=False, is_active=False, erased_at__isnull=False,
    )
    | Q(kind="staff", email__isnull=False, phone_index__isnull=True, phone_cipher__isnull=True)
)


class Migration(migrations.Migration):

    dependencies = [("users", "0001_initial")]

    operations = [
        migrations.AddField("user", "erased_at", models.DateTimeField(null=True)),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("user", "users_user_person_or_staff"),
                migrations.AddConstraint("user", models.CheckConstraint(name="users_user_person_or_staff", condition=PERSON_OR_STAFF)),
            ],
        ),
        migrations.CreateModel(
            name="Acceptance",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("document", models.TextField(choices=[("terms", "Terms of service"), ("privacy", "Privacy notice")])),
                ("version", models.TextField()),
                ("digest", models.TextField()),
                ("how", models.TextField(choices=[("sign_up", "At sign-up"), ("again", "When there was another version")])),
                (
                    "accepted_at",
                    models.DateTimeField(db_default=models.Func(function="core_now", output_field=models.DateTimeField())),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["user", "document", "version"], name="users_acceptance_once"),
                    models.CheckConstraint(name="users_acceptance_document", condition=Q(document__in=["terms", "privacy"])),
                    models.CheckConstraint(name="users_acceptance_how", condition=Q(how__in=["sign_up", "again"])),
                ]
            },
        ),
        migrations.CreateModel(
            name="FormerName",
            fields=[("name_index", models.BinaryField(primary_key=True, serialize=False))],
        ),
        protect("users_acceptance"),
        seal("users_formername"),
        run_sql_file(__file__, "0002_terms.sql"),
    ]
