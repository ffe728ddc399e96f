"""The Celery application. Messages only wake up database rows that carry their own state (DESIGN: side effects)."""

import os
import sys
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paya.settings")
app = Celery("paya")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_init.connect
@signals.beat_init.connect
def refuse_unsafe(**_: Any) -> None:
    """In production a worker or beat that is not set up safely does not start."""
    from django.core.exceptions import ImproperlyConfigured

    from core.checks import guard_process

    try:
        guard_process()
    except ImproperlyConfigured as error:
        sys.exit(str(error))  # Celery logs a handler's exceptions and goes on; this it lets through


@signals.worker_ready.connect
@signals.heartbeat_sent.connect
def say_alive(**_: Any) -> None:
    """Leave a sign of life that readiness looks for; it fades when the worker hangs or dies."""
    from core.health import worker_is_alive

    worker_is_alive()
