"""Outbox rows of this room, turned into wake-ups for the workers by the relay."""

from celery import Task
from kombu.exceptions import OperationalError

from banking import tasks
from core.outbox import Row, handler
from core.relay import HandlerUnavailable


def _wake(task: Task, name: str, rows: list[Row]) -> None:
    try:
        tasks.wake(task, [row.payload[name] for row in rows], retry=False)
    except OperationalError as error:
        raise HandlerUnavailable("the broker is down") from error


@handler("bank_transfer.due")
def wake_transfers(rows: list[Row]) -> None:
    _wake(tasks.submit_transfer, "transfer", rows)


@handler("bank_inbox.due")
def wake_inbox(rows: list[Row]) -> None:
    _wake(tasks.process_inbox, "event", rows)


@handler("bank_account.closing")
def wake_closing(rows: list[Row]) -> None:
    _wake(tasks.close_account, "account", rows)


@handler("bank_identity.due")
def wake_identity(rows: list[Row]) -> None:
    _wake(tasks.match_identity, "account", rows)
