"""What the Celery workers do around each task."""

import weakref
from types import SimpleNamespace

import pytest
from celery import signals
from celery.fixups.django import DjangoWorkerFixup
from django.db import DatabaseError, connection

from banking import rails
from paya.celery import app, load_rails, load_texting
from tests.conftest import Database
from users import sms


@pytest.fixture
def task(database: Database) -> SimpleNamespace:
    """A task about to run in a worker, whose connection has been used before."""
    database.become("worker")
    connection.ensure_connection()
    return SimpleNamespace(request=SimpleNamespace(is_eager=False))


def test_the_connection_outlives_a_task(task: SimpleNamespace) -> None:
    """A new one for each costs more than most of them (docs/rails.md)."""
    before = connection.connection
    worker = DjangoWorkerFixup(app)
    worker.on_task_prerun(task)
    worker.on_task_postrun(task)
    assert connection.connection is before


def test_a_broken_connection_does_not_outlive_the_next(database: Database, task: SimpleNamespace) -> None:
    database.as_superuser("select pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("select 1")
    signals.task_prerun.send(sender=None)
    with connection.cursor() as cursor:
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)


def test_the_sdks_are_there_before_the_pool_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each new child would import them again, which takes seconds on a busy machine."""
    loaded: list[bool] = []
    monkeypatch.setattr(rails, "available", lambda: loaded.append(True))
    connected = [found() for _, found in signals.worker_init.receivers if isinstance(found, weakref.ref)]
    assert load_rails in connected
    load_rails()
    assert loaded == [True]


def test_who_sends_codes_has_all_it_takes_before_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[bool] = []
    monkeypatch.setattr(sms, "providers", lambda: [SimpleNamespace(warm_up=lambda: warmed.append(True))])
    assert load_texting in [found() for _, found in signals.worker_init.receivers if isinstance(found, weakref.ref)]
    load_texting()
    assert warmed == [True]
    monkeypatch.setattr(app.amqp.queues, "_consume_from", {"celery": None})  # another worker, which needs nothing of it
    load_texting()
    assert warmed == [True]
