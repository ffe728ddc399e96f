import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect, seal


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.CharField(max_length=40, unique=True)),
                ("kind", models.CharField(choices=[("person", "Person"), ("staff", "Staff")], max_length=6)),
                ("phone_index", models.BinaryField(null=True, unique=True)),
                ("phone_cipher", models.BinaryField(null=True)),
                ("email", models.EmailField(max_length=254, null=True, unique=True)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "default_visibility",
                    models.CharField(choices=[("public", "Public"), ("private", "Private")], max_length=7, null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=models.Func(function="core_now", output_field=models.DateTimeField())),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",  # noqa: E501
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Challenge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.CharField(max_length=40, unique=True)),
                ("phone_index", models.BinaryField()),
                ("phone_cipher", models.BinaryField()),
                ("code_hash", models.BinaryField()),
                ("code_cipher", models.BinaryField(null=True)),
                ("block_index", models.BinaryField()),
                ("address_index", models.BinaryField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=models.Func(function="clock_timestamp", output_field=models.DateTimeField())),
                ),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(db_default=0)),
                ("sends", models.PositiveSmallIntegerField(db_default=1)),
                (
                    "asked_at",
                    models.DateTimeField(db_default=models.Func(function="clock_timestamp", output_field=models.DateTimeField())),
                ),
                ("sms_state", models.CharField(db_default="queued", max_length=7)),
                (
                    "due_at",
                    models.DateTimeField(db_default=models.Func(function="clock_timestamp", output_field=models.DateTimeField())),
                ),
                ("claimed_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0)),
                ("provider", models.CharField(blank=True, db_default="", max_length=20)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["phone_index", "created_at"], name="users_challenge_phone"),
                    models.Index(fields=["block_index", "created_at"], name="users_challenge_block"),
                    models.Index(fields=["address_index", "created_at"], name="users_challenge_address"),
                    models.Index(fields=["created_at"], name="users_challenge_created"),
                    models.Index(
                        condition=models.Q(("sms_state__in", ["queued", "sending"])),
                        fields=["due_at"],
                        name="users_challenge_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("code_cipher__isnull", False)),
                        fields=["expires_at"],
                        name="users_challenge_unwiped",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sms_state__in", ["queued", "sending", "sent", "unknown", "failed"])),
                        name="users_challenge_sms_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("used_at__isnull", True), ("code_cipher__isnull", True), _connector="OR"),
                        name="users_challenge_used_is_wiped",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.CharField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=60)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("network", models.CharField(blank=True, max_length=50)),
                (
                    "created_at",
                    models.DateTimeField(db_default=models.Func(function="core_now", output_field=models.DateTimeField())),
                ),
                (
                    "last_seen_at",
                    models.DateTimeField(db_default=models.Func(function="core_now", output_field=models.DateTimeField())),
                ),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefreshToken",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("token_hash", models.BinaryField(unique=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=models.Func(function="core_now", output_field=models.DateTimeField())),
                ),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "device",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="users.device"),
                ),
                (
                    "parent",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="child",
                        to="users.refreshtoken",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["expires_at"], name="users_refreshtoken_expires")]},
        ),
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="profile",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("username", models.CharField(db_collation="C", max_length=20, unique=True)),
                ("display_name", models.CharField(max_length=50)),
                (
                    "created_at",
                    models.DateTimeField(db_default=models.Func(function="core_now", output_field=models.DateTimeField())),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("username__regex", "^[a-z0-9_]{3,20}$")),
                        name="users_profile_username",
                    ),
                    models.CheckConstraint(condition=models.Q(("display_name__regex", "\\S")), name="users_profile_name"),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("email__isnull", True),
                        ("is_superuser", False),
                        ("kind", "person"),
                        ("password__startswith", "!"),
                        ("phone_cipher__isnull", False),
                        ("phone_index__isnull", False),
                    ),
                    models.Q(
                        ("email__isnull", False),
                        ("kind", "staff"),
                        ("phone_cipher__isnull", True),
                        ("phone_index__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="users_user_person_or_staff",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("default_visibility__isnull", True),
                    ("default_visibility__in", ["public", "private"]),
                    _connector="OR",
                ),
                name="users_user_visibility",
            ),
        ),
        run_sql_file(__file__, "0001_users.sql"),
        # Staff are not seen by the web role at all, not even by themselves: they have a site of their own.
        protect("users_user", mine="id = {actor} AND kind = 'person'"),
        protect("users_user_groups", staff_reads=False),
        protect("users_user_user_permissions", staff_reads=False),
        protect("users_device"),
        protect("users_refreshtoken", staff_reads=False),
        seal("users_challenge"),
    ]
