"""The Celery application. Messages only wake up database rows that carry their own state (DESIGN: side effects)."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paya.settings")
app = Celery("paya")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_ready.connect
@signals.heartbeat_sent.connect
def say_alive(**_: Any) -> None:
    """Leave a sign of life that readiness looks for; it fades when the worker hangs or dies."""
    from core.health import worker_is_alive

    worker_is_alive()
