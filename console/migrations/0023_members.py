import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("console", "0022_securitykeys")]

    operations = [
        # The view behind it is not managed by Django: this adds no column.
        migrations.AddField("member", "enrolled", models.BooleanField(), preserve_default=False),
        migrations.AddField("member", "link_until", models.DateTimeField(null=True)),
        migrations.AddField("member", "keys", models.IntegerField(), preserve_default=False),
        migrations.AddField("member", "is_new", models.BooleanField(), preserve_default=False),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="+", serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("digest", models.BinaryField(unique=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
        run_sql_file(__file__, "0023_members.sql"),
    ]
