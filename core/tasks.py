from celery import shared_task
from django.db import connection

from core import resilience


@shared_task  # type: ignore[untyped-decorator]
def rotate_idempotency() -> None:
    """Make next weeks' partitions of the idempotency keys and drop those older than 30 days. Repeats harmlessly."""
    with connection.cursor() as cursor:
        cursor.execute("select core_idempotency_rotate()")


@shared_task  # type: ignore[untyped-decorator]
def probe_vendors() -> None:
    """Find out whether vendors that had failed are back."""
    resilience.probe_the_troubled()
