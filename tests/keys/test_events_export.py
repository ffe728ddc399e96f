"""Raw events to Firehose and S3, against a local AWS: all of them, in order, again after an outage, and ids only."""

import gzip
import json
import re
from typing import Any

import pytest

from core.actor import SYSTEM, actor
from core.outbox import emit
from core.resilience import ProviderDown, ProviderRejected
from tests.conftest import Database, MakePerson
from tests.helpers import relay_all
from tests.keys.aws import Aws
from transparency import tasks
from transparency.statistics import export

DOCS = "docs/statistics.md"


@pytest.fixture
def places(aws: Aws, settings: Any) -> Aws:
    aws.client("s3").create_bucket(Bucket="lake")
    aws.client("s3").create_bucket(Bucket="stream")
    destination = {"RoleARN": "arn:aws:iam::123456789012:role/firehose", "BucketARN": "arn:aws:s3:::stream"}
    aws.client("firehose").create_delivery_stream(DeliveryStreamName="events", ExtendedS3DestinationConfiguration=destination)
    settings.EVENTS_FIREHOSE, settings.EVENTS_BUCKET, settings.EVENTS_ENDPOINT = "events", "lake", aws.url
    return aws


def events(database: Database, count: int) -> None:
    with database.role("worker"):
        with actor(SYSTEM):
            for number in range(count):
                emit("tried", number=number)
        relay_all()


def stored(aws: Aws, bucket: str) -> list[dict[str, Any]]:
    s3, found = aws.client("s3"), []
    for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        text = gzip.decompress(body) if entry["Key"].endswith(".gz") else body
        found += [json.loads(line) | {"key": entry["Key"]} for line in text.splitlines()]
    return found


def test_every_event_goes_to_both_in_order_and_once(database: Database, places: Aws, make_person: MakePerson):
    make_person("ann", 5_00)
    events(database, 3)
    with database.role("worker"):
        count = database.as_superuser("select count(*) from core_outbox")[0][0]
        assert export.export() == 2 * count
        assert export.export() == 0
        events(database, 2)
        assert export.export() == 4
    rows = database.as_superuser("select id, position, topic from core_outbox order by position")
    for bucket in ("lake", "stream"):
        found = stored(places, bucket)
        assert sorted((row["id"], row["position"], row["topic"]) for row in found) == sorted(rows)
        assert {row["topic"] for row in found} >= {"user.signed_up", "tried"}
    [signed_up] = [row for row in stored(places, "lake") if row["topic"] == "user.signed_up"]
    assert signed_up["payload"].keys() == {"user"} and isinstance(signed_up["payload"]["user"], str)
    assert re.fullmatch(rf"events/day={signed_up['at'][:10]}/[0-9]{{20}}\.json\.gz", signed_up["key"])


def test_after_an_outage_it_goes_on_and_what_was_sent_before_is_the_same_file(database: Database, places: Aws, monkeypatch: Any):
    monkeypatch.setattr(export, "BATCH", 2)
    events(database, 5)
    sent, real = [], export.to_bucket

    def killed(batch: list[export.Event]) -> None:
        real(batch)
        sent.append(batch)
        if len(sent) == 2:
            raise KeyboardInterrupt  # sent, and not written down

    monkeypatch.setattr(export, "to_bucket", killed)
    with database.role("worker"):
        with pytest.raises(KeyboardInterrupt):
            export.export()
        monkeypatch.setattr(export, "to_bucket", real)
        export.export()
    found = [row["payload"]["number"] for row in stored(places, "lake") if row["topic"] == "tried"]
    assert sorted(found) == ["0", "1", "2", "3", "4"]


def test_what_firehose_does_not_take_is_sent_again(database: Database, places: Aws, monkeypatch: Any, settings: Any):
    settings.EVENTS_BUCKET = ""
    events(database, 3)
    given: list[list[bytes]] = []
    taken = {"RecordId": "1"}

    class Busy:
        def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> Any:  # noqa: N803
            given.append([record["Data"] for record in Records])
            refused = [{"ErrorCode": "ServiceUnavailableException"}] if len(given) < self.until else []
            said = [*refused, *[taken] * (len(Records) - len(refused))]
            return {"FailedPutCount": len(refused), "RequestResponses": said}

        until = 2

    monkeypatch.setattr(export, "_client", lambda service: Busy())
    with database.role("worker"):
        export.export()
        assert [len(batch) for batch in given] == [3, 1] and given[1] == given[0][:1]
        given.clear()
        Busy.until = 99
        events(database, 2)
        with pytest.raises(ProviderDown):
            export.export()
        assert database.as_superuser("select position from transparency_export") == [(3,)]  # they come again


def test_what_is_wrong_with_the_place_is_said_and_nothing_is_lost(database: Database, places: Aws, settings: Any, caplog: Any):
    events(database, 1)
    settings.EVENTS_FIREHOSE, settings.EVENTS_BUCKET = "", "no-such-bucket"
    with database.role("worker"):
        with pytest.raises(ProviderRejected):
            export.export()
        tasks.export_events()
        assert "export_refused" in caplog.text
        settings.EVENTS_BUCKET = "lake"
        assert export.export() == 1


def test_where_nothing_is_set_up_nothing_is_sent(database: Database, settings: Any, monkeypatch: Any):
    monkeypatch.setattr(export, "_client", lambda service: pytest.fail("asked"))
    events(database, 1)
    with database.role("worker"):
        assert export.export() == 0


def test_the_table_of_the_docs_has_what_a_line_has(settings: Any):
    table = (settings.BASE_DIR / DOCS).read_text().partition("CREATE EXTERNAL TABLE")[2].partition(")")[0]
    columns = re.findall(r"^\s+`?(\w+)`? (?:bigint|string|timestamp|map<string,string>)", table, re.MULTILINE)
    event = export.Event(1, 2, "topic", export.datetime.now(export.UTC), '{"user": 1}')
    assert set(columns) == json.loads(event.line()).keys()
