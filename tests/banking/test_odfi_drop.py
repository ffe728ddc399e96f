"""The drop: put where nothing is, found again, taken out of the way; the same for a folder and for a bucket."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from banking import rails
from banking.rails import drop as drops
from banking.rails.drop import Drop, drop
from banking.services.nacha import sending
from core.resilience import ProviderDown, breaker, forget_failures, hold, probe_the_troubled
from tests.banking.odfi import Odfi
from tests.banking.test_odfi_answers import acknowledgement
from tests.conftest import Database
from tests.helpers import at_once
from tests.keys import aws

BUCKET = "paya-odfi-test"


@pytest.fixture(scope="module")
def s3() -> Iterator[aws.Aws]:
    with aws.running() as server:
        yield server


@pytest.fixture(params=["folder", "bucket"])
def place(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database
) -> Drop:
    if request.param == "folder":
        settings.ODFI_DROP = str(tmp_path / "drop")
    else:
        server: aws.Aws = request.getfixturevalue("s3")
        server.reset()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        settings.ODFI_DROP, settings.ODFI_S3_ENDPOINT, settings.AWS_REGION = f"s3://{BUCKET}/bank", server.url, aws.REGION
        server.client("s3").create_bucket(Bucket=BUCKET)
    forget_failures()
    return drop()


def arrive(place: Drop, name: str, data: bytes) -> None:
    """As the bank puts it there."""
    if isinstance(place, drops.Bucket):
        place._call("put_object", Key=place._key(drops.INCOMING, name), Body=data)
    else:
        assert isinstance(place, drops.Folder)
        (place._folder(drops.INCOMING) / name).write_bytes(data)


def test_what_is_there_is_not_written_over(place: Drop) -> None:
    assert place.sent("a.ach") is None
    assert place.put("a.ach", b"first")
    assert not place.put("a.ach", b"second")
    assert place.sent("a.ach") == b"first"


def test_of_many_at_once_one_puts_it(place: Drop) -> None:
    results = at_once(8, lambda n: place.put("a.ach", b"%d" % n))
    assert sorted(results) == [False] * 7 + [True]
    assert place.sent("a.ach") == b"%d" % results.index(True)


def test_what_the_bank_sends_is_read_whole_and_taken(place: Drop) -> None:
    for name in ("b.txt", "a.txt", "c.txt.part", ".hidden"):
        arrive(place, name, b"content of " + name.encode())
    assert place.waiting() == ["a.txt", "b.txt"]
    assert place.read("a.txt") == b"content of a.txt"
    place.take("a.txt")
    place.take("a.txt")  # again: it is gone, and that is well
    assert place.waiting() == ["b.txt"]


def test_a_link_in_the_drop_is_raised_and_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = drops.Folder(tmp_path / "drop")
    (tmp_path / "secrets.json").write_text("secret")
    arrive(place, "real.ach", b"data")
    incoming = place._folder(drops.INCOMING)
    (incoming / "link.ach").symlink_to(tmp_path / "secrets.json")
    (incoming / "folder").mkdir()
    assert place.waiting() == place.waiting() == ["real.ach"]
    [raised] = [record for record in caplog.records if record.message == "nacha_incoming_odd"]
    assert (raised.levelname, raised.count) == ("ERROR", 2)
    with pytest.raises(OSError, match="link"):  # nor when it takes the place of a file that was seen
        place.read("link.ach")


def test_a_whole_round_over_it(odfi: Odfi, place: Drop, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(25_00))
    (file,) = odfi.write()
    assert odfi.send() == [file.name]
    assert odfi.send() == []
    sent = drop().sent(file.name)
    assert sent is not None
    assert sent.startswith(b"101 ")
    arrive(drop(), "ack.txt", acknowledgement(file))
    assert odfi.collect() == 1
    assert odfi.collect() == 0
    assert odfi.entry(row).status == "acknowledged"


def test_a_drop_that_cannot_be_reached_is_the_bank_being_down(odfi: Odfi, linked: Callable[..., Any], settings: Any) -> None:
    person = linked()
    row = person.submit(person.load(25_00))
    odfi.write()
    there, settings.ODFI_DROP = settings.ODFI_DROP, "/proc/no-such-folder"
    with pytest.raises(ProviderDown):
        odfi.send()
    with pytest.raises(ProviderDown):
        odfi.collect()
    settings.ODFI_DROP, settings.ODFI_S3_ENDPOINT = f"s3://{BUCKET}", "http://127.0.0.1:9"
    with pytest.raises(ProviderDown):
        odfi.send()
    forget_failures()
    settings.ODFI_DROP = there
    assert len(odfi.send()) == 1
    assert odfi.entry(row).batch.file.status == "sent"


# ------------------------------------------------------------------------------------------------ how it is doing
def shown(api: Any) -> tuple[str, bool]:
    (line,) = [line for line in api.client.get("/v1/status").json()["vendors"] if line["name"] == "odfi"]
    assert api.client.get("/readyz").json()["vendors"]["odfi"] == line["status"]
    return line["status"], line["since"] is not None


def test_a_drop_that_cannot_be_used_is_down_for_everybody_and_comes_back_by_itself(place: Drop, api: Any, settings: Any) -> None:
    rails.ping_odfi()
    assert place.waiting() == []
    assert shown(api)[0] == "operational"
    there = settings.ODFI_DROP, settings.ODFI_S3_ENDPOINT
    settings.ODFI_S3_ENDPOINT = "http://127.0.0.1:9"
    if isinstance(place, drops.Folder):
        settings.ODFI_DROP = "/proc/no-such-folder"
    for wanted in ["degraded"] * 4 + ["down"]:
        with pytest.raises(ProviderDown):
            rails.ping_odfi()
        assert shown(api)[0] == wanted
    settings.ODFI_DROP, settings.ODFI_S3_ENDPOINT = there
    breaker("odfi").half_open()
    probe_the_troubled()
    assert shown(api)[0] == "operational"


def test_a_folder_that_only_shows_files_is_not_well(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ODFI_DROP = str(tmp_path / "drop")

    def refused(**_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(drops.tempfile, "mkstemp", refused)
    with pytest.raises(ProviderDown):
        rails.ping_odfi()


def test_what_staff_hold_is_left_alone(place: Drop) -> None:
    hold("odfi")
    with pytest.raises(ProviderDown, match="held"), drops.reaching():
        place.waiting()


def test_a_bank_that_owes_an_answer_is_slow_until_it_gives_it(
    odfi: Odfi, linked: Callable[..., Any], api: Any, settings: Any
) -> None:
    linked_to = linked()
    linked_to.submit(linked_to.load(25_00))
    odfi.bank.post("/sandbox/odfi/answers", {"mode": "silent"})
    file = odfi.ship()
    assert shown(api)[0] == "operational"
    settings.ODFI_ACKNOWLEDGED_WITHIN_HOURS = 0
    assert odfi.as_worker(sending.miss_answers) == 1
    assert shown(api) == ("degraded", True)
    assert "Our bank answers later than usual" in api.client.get("/status").content.decode()
    odfi.receive("ack.txt", acknowledgement(file))
    assert shown(api)[0] == "operational"
