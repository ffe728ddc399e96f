from django.apps import AppConfig


class BankingConfig(AppConfig):
    name = "banking"

    def ready(self) -> None:
        from banking import handlers, queries  # noqa: F401  (register outbox handlers and references)
