"""The Celery application. Messages only wake up database rows that carry their own state (DESIGN: side effects)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paya.settings")
app = Celery("paya")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
