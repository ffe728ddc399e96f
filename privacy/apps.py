from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "privacy"

    def ready(self) -> None:
        # The relay's handlers, the encrypted columns.
        from privacy import handlers  # noqa: F401
