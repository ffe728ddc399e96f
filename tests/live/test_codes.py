"""A code does not wait behind anything: it has a queue and a process of its own."""

import signal
from pathlib import Path

from django.conf import settings
from django_celery_beat.schedulers import ModelEntry

from paya.celery import app
from paya.local import processes
from tests.stack import Stack, new_phone, wait_until


def test_a_code_comes_while_all_other_workers_are_held(stack: Stack) -> None:
    """As by a vendor that hangs, for as long as it likes."""
    held = processes.children_of(stack.process("worker@"))
    assert len(held) >= 2
    for pid in held:
        processes.send(pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            stack.newcomer()
    finally:
        for pid in held:
            processes.send(pid, signal.SIGCONT)


def test_a_code_comes_while_the_process_for_codes_is_held(stack: Stack) -> None:
    """Or dead, and a start takes long on a busy machine: another worker notices and sends it."""
    codes, phone = stack.process("codes@"), new_phone()
    processes.send(codes, signal.SIGSTOP)
    try:
        assert stack.call("POST", "/v1/auth/otp", {"phone": phone}).status_code == 202
        wait_until(lambda: stack.messages(phone), "another worker", 60)  # beat, which tells it, is the last one to start
    finally:
        processes.send(codes, signal.SIGCONT)


def test_each_queue_has_its_process(stack: Stack) -> None:
    taken: list[str] = []
    for pid in processes.children_of(stack.running.process.pid):
        command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        if "-Q" in command:
            taken += command[command.index("-Q") + 1].split(",")
    assert sorted(taken) == sorted(settings.CELERY_TASK_QUEUES)


# Of beat's tasks those that take a minute when there are a million people: no sweep stands behind them.
LONG = {
    "rewards.tasks.advance", "rewards.tasks.estimate", "transparency.tasks.attest_daily", "transparency.tasks.carry_out_wishes",
    "compliance.tasks.screen_names", "banking.tasks.screen_legal_names", "privacy.tasks.prune",
}  # fmt: skip


def test_nothing_but_codes_stands_before_a_code() -> None:
    app.loader.import_default_modules()
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in app.tasks if not name.startswith("celery.")}
    assert {name for name, queue in queues.items() if queue == "codes"} == {"users.tasks.send_sms", "users.tasks.sweep_sms"}
    swept = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {name for name, queue in queues.items() if queue == "sweeps"} == swept - {"users.tasks.sweep_sms"} - LONG


def test_what_somebody_waits_for_does_not_stand_behind_polls() -> None:
    """Of thousands of settled transfers each is asked about again and again; what waits for a minute behind that would expire."""
    app.loader.import_default_modules()
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in app.tasks if not name.startswith("celery.")}
    polls = {name for name, queue in queues.items() if queue == "polls"}
    assert polls == {"banking.tasks.refresh_transfer", "privacy.tasks.make_export"} | LONG
    assert queues["banking.tasks.submit_transfer"] == queues["banking.tasks.process_inbox"] == "celery"


def test_what_beat_sends_does_not_heap_up() -> None:
    """By the name under which the scheduler that keeps its schedule in the database knows it."""
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        seconds = ModelEntry._unpack_options(**entry["options"])["expire_seconds"]
        assert seconds == max(60, entry["schedule"]), entry["task"]
