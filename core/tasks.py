from celery import shared_task
from django.db import connection


@shared_task  # type: ignore[untyped-decorator]
def rotate_idempotency() -> None:
    """Make next weeks' partitions of the idempotency keys and drop those older than 30 days. Repeats harmlessly."""
    with connection.cursor() as cursor:
        cursor.execute("select core_idempotency_rotate()")
