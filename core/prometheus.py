"""core/metrics.py as Prometheus asks for it.

django-prometheus' view writes the answer. Its middlewares count in each process for itself, so that one of several
workers would answer with its own share; what is counted here is the sum of all.
"""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, REGISTRY
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import RedisError

from core import metrics


class Service(Collector):
    def describe(self) -> list[Metric]:
        return []  # or it would all be collected once when it is registered

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "paya_outbox_lag_seconds", "Age of the oldest event that is not published", value=metrics.outbox_lag() / 1000
        )
        for gauge in metrics.gauges():
            family = GaugeMetricFamily(gauge.name, gauge.what, labels=[gauge.label])
            for value, figure in gauge.values.items():
                family.add_metric([value], figure)
            yield family
        try:
            counted = list(self._from_redis())
        except RedisError:
            counted = []
        yield GaugeMetricFamily("paya_redis_up", "Whether Redis answers; without it the rest is not known", value=bool(counted))
        yield from counted

    def _from_redis(self) -> Iterator[Metric]:
        requests = HistogramMetricFamily(
            "paya_http_request_seconds", "How long requests took; errors by their status", labels=["route", "method", "status"]
        )
        for route, method, status, counts, milliseconds in metrics.totals():
            reached, buckets = 0, []
            for end, count in zip((*metrics.BUCKETS, "+Inf"), counts, strict=True):
                reached += count
                buckets.append((str(end), reached))
            requests.add_metric([route, method, str(status)], buckets, milliseconds / 1000)
        yield requests
        waiting = GaugeMetricFamily("paya_queue_messages", "Messages that wait for a worker", labels=["queue"])
        for queue, count in metrics.queued().items():
            waiting.add_metric([queue], count)
        yield waiting


# Memory and threads of whichever worker happens to answer say nothing.
for _collector in (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR):
    REGISTRY.unregister(_collector)


REGISTRY.register(Service())


def export(request: HttpRequest) -> HttpResponse:
    metrics.flush()
    answer: HttpResponse = ExportToDjangoView(request)
    return answer
