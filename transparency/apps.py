from django.apps import AppConfig


class TransparencyConfig(AppConfig):
    name = "transparency"

    def ready(self) -> None:
        from transparency import handlers  # noqa: F401  (register outbox handlers)
        from transparency.attesting import checks

        checks.register()
