"""Outbox rows of this room, turned into wake-ups for the workers by the relay."""

from collections.abc import Iterable, Sequence

from celery import Task
from kombu.exceptions import OperationalError

from banking import tasks
from core.outbox import Row, handler
from core.relay import HandlerUnavailable


def _wake(task: Task, rows: Iterable[int | Sequence[int]]) -> None:
    try:
        tasks.wake(task, rows, retry=False)
    except OperationalError as error:
        raise HandlerUnavailable("the broker is down") from error


@handler("bank_transfer.due")
def wake_transfers(rows: list[Row]) -> None:
    _wake(tasks.submit_transfer, [row.payload["transfer"] for row in rows])


@handler("bank_inbox.due")
def wake_inbox(rows: list[Row]) -> None:
    _wake(tasks.process_inbox, tasks.in_batches([row.payload["event"] for row in rows]))


@handler("bank_account.closing")
def wake_closing(rows: list[Row]) -> None:
    _wake(tasks.close_account, [row.payload["account"] for row in rows])


@handler("bank_identity.due")
def wake_identity(rows: list[Row]) -> None:
    _wake(tasks.match_identity, [row.payload["account"] for row in rows])


@handler("identity_check.due")
def wake_identity_checks(rows: list[Row]) -> None:
    _wake(tasks.ask_identity, [row.payload["check"] for row in rows])
