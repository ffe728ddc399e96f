from django.apps import AppConfig


class PayaConfig(AppConfig):
    """Makes the Celery application the current one in every process, so that `task.delay()` finds the broker."""

    name = "paya"

    def ready(self) -> None:
        from paya.celery import app

        app.set_default()
