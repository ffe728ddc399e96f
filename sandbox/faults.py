"""Failures on demand: a test says which vendor's next requests go wrong, and how.

Modes: `500` and `429` answer so without doing anything; `timeout` does nothing and keeps the caller waiting;
`drop_after` does the work and never answers, which is the case a payment product must survive.
"""

import contextlib
import socket
import time
from fnmatch import fnmatchcase

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from sandbox import chaos
from sandbox.models import Fault

MODES = ("500", "429", "timeout", "drop_after")
LONGEST = 60.0


def ask(*, vendor: str, mode: str | None, path: str, times: int, seconds: float | None) -> None:
    """Replace the vendor's faults on that path; mode None clears all of the vendor's."""
    with transaction.atomic():
        if mode is None:
            Fault.objects.filter(vendor=vendor).delete()
            return
        Fault.objects.filter(vendor=vendor, path=path).delete()
        default = 3.0 if mode == "timeout" else 0.0
        wait = min(default if seconds is None else seconds, LONGEST)
        Fault.objects.create(vendor=vendor, mode=mode, path=path, times_left=times, seconds=wait)


def take(vendor: str, path: str, method: str) -> Fault | None:
    """Use up one fault for this request, if one waits for it.

    A path is for what changes something: `/transfers` means POST /transfers and not the search after a doubt.
    `GET /customers/*/transfers` means that search (`*` stands for anything).
    """
    if not Fault.objects.filter(vendor=vendor, times_left__gt=0).exists():
        return chaos.of_request(vendor)
    with transaction.atomic():
        for fault in Fault.objects.filter(vendor=vendor, times_left__gt=0).order_by("id"):
            if _meant(fault.path, path, method):
                fault.times_left -= 1
                fault.save(update_fields=["times_left"])
                return fault
    return chaos.of_request(vendor)


def _meant(wanted: str, path: str, method: str) -> bool:
    if not wanted:
        return True
    verb, _, tail = wanted.rpartition(" ")
    return method == (verb or "POST") and fnmatchcase(path, tail)


def withhold_answer(request: HttpRequest, seconds: float) -> HttpResponse:
    """Wait, then cut the connection without an answer."""
    time.sleep(seconds)
    connection = request.META.get("gunicorn.socket")
    if connection is not None:
        with contextlib.suppress(OSError):  # the caller may have given up first
            connection.shutdown(socket.SHUT_RDWR)
    response = HttpResponse(status=499)  # nobody reads it: nginx's number for a client that is gone
    response["Connection"] = "close"
    return response
