from django.apps import AppConfig


class TransparencyConfig(AppConfig):
    name = "transparency"

    def ready(self) -> None:
        from transparency import handlers  # noqa: F401  (register outbox handlers)
        from transparency.attesting import checks, secrets  # noqa: F401  (the encrypted columns, for the rotation of keys)

        checks.register()
