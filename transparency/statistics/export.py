"""Raw events for analysis elsewhere: the outbox, in order, to Firehose or to files in S3, each where it is set up.

At least once: a batch is sent, then how far it came is written down. `id` tells an event that came twice. What an
event carries are ids, never anything personal (core/outbox.py); what they mean stays here.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import connection

from core import aws
from core.resilience import ProviderDown

BATCH = 500  # the most that Firehose takes at once
TRIES = 3


@dataclass(frozen=True)
class Event:
    id: int
    position: int
    topic: str
    at: datetime
    payload: str

    @property
    def day(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%d}"

    def line(self) -> bytes:
        """One line of JSON as Athena's table has it (docs/statistics.md); numbers of the payload as text."""
        content = {
            "id": self.id, "position": self.position, "topic": self.topic,
            "at": self.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            "payload": {name: str(value) for name, value in json.loads(self.payload).items()},
        }  # fmt: skip
        return json.dumps(content, sort_keys=True).encode() + b"\n"


def to_firehose(events: list[Event]) -> None:
    """Raises ProviderDown where some were not taken after a few tries; the whole batch then comes again later."""
    left = [{"Data": event.line()} for event in events]
    for _ in range(TRIES):
        answer = _client("firehose").put_record_batch(DeliveryStreamName=settings.EVENTS_FIREHOSE, Records=left)
        if not answer["FailedPutCount"]:
            return
        left = [record for record, said in zip(left, answer["RequestResponses"], strict=True) if said.get("ErrorCode")]
    raise ProviderDown(f"firehose did not take {len(left)} events")


def to_bucket(events: list[Event]) -> None:
    """A file for each day, named by its first position: sent again it is the same file."""
    for day, of_day in groupby(events, key=lambda event: event.day):
        found = list(of_day)
        key = f"{settings.EVENTS_PREFIX}/day={day}/{found[0].position:020d}.json.gz"
        body = gzip.compress(b"".join(event.line() for event in found), mtime=0)
        _client("s3").put_object(Bucket=settings.EVENTS_BUCKET, Key=key, Body=body, ServerSideEncryption="AES256")


def _client(service: str) -> Any:
    return aws.client(service, endpoint=settings.EVENTS_ENDPOINT)


def _sinks() -> Iterator[tuple[str, Callable[[list[Event]], None]]]:
    """What is set up. A new stream or bucket begins with the first event there is."""
    if settings.EVENTS_FIREHOSE:
        yield f"firehose:{settings.EVENTS_FIREHOSE}", to_firehose
    if settings.EVENTS_BUCKET:
        yield f"s3:{settings.EVENTS_BUCKET}/{settings.EVENTS_PREFIX}", to_bucket


def export() -> int:
    """Send what has been published since; how many events. Raises ProviderDown, ProviderUnknown or ProviderRejected."""
    sent = 0
    for sink, send in _sinks():
        with connection.cursor() as cursor:
            cursor.execute("insert into transparency_export values (%s, 0) on conflict do nothing", [sink])
            cursor.execute("select position from transparency_export where sink = %s", [sink])
            position = int(cursor.fetchone()[0])
        while events := _after(position):
            try:
                send(events)
            except (ClientError, BotoCoreError) as error:
                raise aws.meaning(sink.partition(":")[0], error) from error
            position = events[-1].position
            with connection.cursor() as cursor:
                cursor.execute(
                    "update transparency_export set position = greatest(position, %s) where sink = %s", [position, sink]
                )
            sent += len(events)
    return sent


def _after(position: int) -> list[Event]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select id, position, topic, created_at, payload from core_outbox where position > %s"
            " and position <= (select published from core_outboxhead where id = 1) order by position limit %s",
            [position, BATCH],
        )
        return [Event(*row) for row in cursor.fetchall()]
