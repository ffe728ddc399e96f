"""How the service did, minute by minute: requests, errors, latency, what waited in the queues and in the outbox."""

import time

from django.db import connection

from core import metrics

LOOK_BACK = 10  # minutes that a worker may have been away
KEPT_DAYS = 90


def sample() -> int:
    """Store the minutes that have passed since the last one, once each; how many were new."""
    this = int(time.time()) // 60
    waiting, lag, stored = sum(metrics.queued().values()), metrics.outbox_lag(), 0
    with connection.cursor() as cursor:
        # The minute before this one may still be counted to, by processes that have not added theirs.
        for minute in range(this - LOOK_BACK, this - 1):
            latency, errors = metrics.of_minute(minute)
            cursor.execute(
                "insert into transparency_health (at, requests, errors, latency, queued, outbox_lag)"
                " values (to_timestamp(%s), %s, %s, %s, %s, %s) on conflict do nothing",
                [minute * 60, sum(latency), errors, latency, waiting, lag],
            )
            stored += cursor.rowcount
        cursor.execute("delete from transparency_health where at < now() - make_interval(days => %s)", [KEPT_DAYS])
    return stored
