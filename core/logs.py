"""JSON logs: one object a line, an allow-list of fields, a request id. Nothing personal is ever a field."""

import json
import logging
import logging.config
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")

# Only these may leave the process beside the message: an allow-list, so that a new field must be thought about.
ALLOWED = frozenset({
    "method", "route", "status", "ms", "user", "code", "topic", "position", "cause", "provider", "operation",
    "event", "transfer", "account", "notice", "file", "entry", "task", "count", "payment", "challenge", "device", "error",
    # Figures of the network, nobody's.
    "rail", "rate", "share", "sent", "reserve", "required", "short", "custodian", "result", "breaks", "kind", "key", "week",
    "channel", "version", "closing", "export",
})  # fmt: skip


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if record.name.startswith("paya") else scrub(record.getMessage()),
        }
        if rid := request_id.get():
            line["request_id"] = rid
        line.update({key: value for key, value in record.__dict__.items() if key in ALLOWED})
        if record.exc_info and record.exc_info[0]:
            # The exception's own text may quote a row; its type and the places it passed through may not.
            line["exception"] = record.exc_info[0].__name__
            line["stack"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(record.exc_info[2])][-12:]
        return json.dumps(line, ensure_ascii=False, default=str)


def scrub(message: str) -> str:
    """Other people's loggers write what they like: every run of four or more digits is masked, and what is as long as a token."""
    import re

    return re.sub(r"[\w-]{40,}|\d{4,}", "####", message)


def configure(*, level: str) -> None:
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "core.logs.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "paya": {"level": level},
            "django.request": {"level": "ERROR"},
            "celery": {"level": "WARNING"},
            # Its lines say which task was received with which arguments: ids, and far too many of them.
            "celery.worker.strategy": {"level": "WARNING"},
        },
    })  # fmt: skip
