# Never imported: each `ruleid:` line is what a rule must find.
from datetime import UTC, date, datetime

from django.db import models


class Load(models.Model):
    # ruleid: money-as-a-float
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    # ok: money-as-a-float
    cents = models.BigIntegerField()


def total(row):
    # ruleid: money-as-a-float
    whole = float(row.amount)
    # ok: money-as-a-float
    seconds = float(row.seconds)
    return whole, seconds


def when(seconds):
    # ruleid: time-without-a-zone
    a = datetime.now()
    # ruleid: time-without-a-zone
    b = datetime.utcnow()
    # ruleid: time-without-a-zone
    c = date.today()
    # ruleid: time-without-a-zone
    d = datetime.fromtimestamp(seconds)
    # ok: time-without-a-zone
    return a, b, c, d, datetime.now(UTC), datetime.fromtimestamp(seconds, UTC)
