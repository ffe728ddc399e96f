from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "users"

    def ready(self) -> None:
        from users import authentication, handlers  # noqa: F401  (the schema extension and the relay's handlers)
