from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"

    def ready(self) -> None:
        # The relay's handlers, the encrypted columns.
        from users import handlers, sealed  # noqa: F401
