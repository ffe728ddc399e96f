from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = "Staff"

    def ready(self) -> None:
        from console import late, sealed  # noqa: F401  (the latter is the encrypted column, for the rotation of keys)
        from core.metrics import register_gauges

        # Each log-in is a row of LogInTry; the staff role has no right to write in the table of people.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        register_gauges(late.gauges)
