"""What is measured of requests, over all processes, and who may ask for it."""

from typing import Any

import pytest
import redis

from core import metrics
from core.checks import settings_problems
from tests.conftest import Database
from tests.helpers import Api

TOKEN = "b1946ac92492d2347c6235b4d2611184"


def ask(api: Api, token: str | None = TOKEN) -> Any:
    return api.request("GET", "/metrics", **({"Authorization": f"Bearer {token}"} if token else {}))


def test_without_the_token_it_is_not_said(database: Database, api: Api, settings: Any):
    settings.METRICS_TOKEN = ""
    assert ask(api).status_code == 404  # without one in the environment there is no such address
    settings.METRICS_TOKEN = TOKEN
    for token in (None, "", TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
        answer = ask(api, token)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert b"paya_" not in answer.content
    assert ask(api).status_code == 200


def test_requests_queues_and_lag_are_there(database: Database, api: Api, settings: Any):
    settings.METRICS_TOKEN = TOKEN
    metrics.flush()
    for key in metrics.client().scan_iter("paya:http:*"):
        metrics.client().delete(key)
    for seconds, status in ((0.004, 200), (0.03, 200), (9.0, 500)):
        metrics.observe("v1/wallet", "GET", status, seconds)
    metrics.client().rpush("sweeps", "x")
    try:
        lines = ask(api).content.decode().splitlines()
    finally:
        metrics.client().lpop("sweeps")
    said = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    well = 'method="GET",route="v1/wallet",status="200"'
    bucket = {line: float(value) for line, value in said.items() if line.startswith("paya_http_request_seconds_bucket")}

    def upto(end: str, status: str) -> float:
        return next(
            value for line, value in bucket.items()
            if f'le="{end}"' in line and 'route="v1/wallet"' in line and f'status="{status}"' in line
        )  # fmt: skip

    assert [upto(end, "200") for end in ("0.005", "0.025", "0.05", "+Inf")] == [1, 1, 2, 2], well
    assert [upto(end, "500") for end in ("5.0", "+Inf")] == [0, 1]
    assert sum(float(value) for line, value in said.items() if line.startswith("paya_http_request_seconds_sum")) >= 9.03
    assert float(said['paya_queue_messages{queue="sweeps"}']) >= 1
    assert float(said["paya_outbox_lag_seconds"]) >= 0
    assert not any(line.startswith(("process_", "python_")) for line in said)  # of one worker of several


def test_while_redis_is_down_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def no_redis() -> Any:
        asked.append(1)
        raise redis.ConnectionError

    monkeypatch.setattr(metrics, "client", no_redis)
    monkeypatch.setattr(metrics, "_flushed", 0.0)
    for _ in range(20):
        metrics.observe("v1/wallet", "GET", 200, 0.01)
    assert len(asked) == 1
    monkeypatch.setattr(metrics, "_flushed", 0.0)


def test_without_redis_prometheus_is_told_what_is_known(database: Any, settings: Any, monkeypatch: pytest.MonkeyPatch):
    def no_redis() -> Any:
        raise redis.ConnectionError

    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(metrics, "client", no_redis)
    answer = Api().request("GET", "/metrics", Authorization=f"bearer {TOKEN}")
    assert answer.status_code == 200
    said = answer.content.decode()
    assert "paya_redis_up 0.0" in said and "paya_outbox_lag_seconds " in said
    monkeypatch.setattr(metrics, "_flushed", 0.0)


def test_in_production_the_token_is_a_good_one(settings: Any):
    def complaints(token: str) -> list[str]:
        settings.METRICS_TOKEN = token
        return [problem for problem in settings_problems() if "METRICS_TOKEN" in problem]

    assert complaints("") == complaints(TOKEN) == []
    assert complaints("prometheus") != [] and complaints("a" * 40) != []
