from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"

    def ready(self) -> None:
        # The relay's handlers, the encrypted columns.
        from core.resilience import register_probe
        from users import handlers, sealed, sms  # noqa: F401

        register_probe("twilio", sms.ping)
