from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]
    operations = [
        migrations.AddIndex(
            model_name="challenge",
            index=models.Index(fields=["created_at"], name="users_challenge_created"),
        ),
        migrations.AddIndex(
            model_name="refreshtoken",
            index=models.Index(fields=["expires_at"], name="users_refreshtoken_expires"),
        ),
        run_sql_file(__file__, "0002_spending.sql"),
    ]
