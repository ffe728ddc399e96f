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


@signals.worker_init.connect
def load_rails(**_: Any) -> None:
    """Before the pool forks: the SDKs take seconds to import on a busy machine, and each new child would do it again."""
    if "celery" in app.amqp.queues.consume_from:
        from banking import rails

        rails.available()


@signals.worker_init.connect
def load_texting(**_: Any) -> None:
    """Whoever sends codes imports what that takes before the first one, which would wait for it."""
    if "codes" in app.amqp.queues.consume_from:
        from users import sms

        sms.warm_up()


@signals.task_prerun.connect
def let_go_of_broken_connections(**_: Any) -> None:
    """As Django does before each request: kept connections that had an error and do not answer are closed."""
    from django.db import close_old_connections

    close_old_connections()


@signals.worker_ready.connect
@signals.heartbeat_sent.connect
def say_alive(**_: Any) -> None:
    """Leave a sign of life that readiness looks for; it fades when the worker hangs or dies."""
    from core.health import worker_is_alive

    worker_is_alive(queues=list(app.amqp.queues.consume_from))
