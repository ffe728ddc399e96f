from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"

    def ready(self) -> None:
        # The schema extension, the relay's handlers, the encrypted columns.
        from users import authentication, handlers, sealed  # noqa: F401
