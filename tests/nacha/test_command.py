"""`manage.py nacha_read`: JSON on stdout, and an exit status that says whether somebody has to look."""

import io
import json
import random
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from banking.management.commands import nacha_read

from .files import addenda98, addenda99, entry, returned, text


def run(*paths: Path, whole: bool = False) -> tuple[int, dict]:
    out, status = io.StringIO(), 0
    try:
        call_command("nacha_read", *paths, whole=whole, stdout=out)
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    return status, json.loads(out.getvalue())


def saved(folder: Path, name: str, lines: list[str]) -> Path:
    path = folder / name
    path.write_text("\n".join(lines))
    return path


def test_what_was_understood(tmp_path: Path) -> None:
    back = saved(tmp_path, "back.ach", returned(entry(), addenda99("R01")))
    sent = saved(tmp_path, "sent.ach", [text()])
    status, said = run(back, sent)
    assert status == 0
    first, second = said["files"]
    assert first["file"] == str(back)
    [item] = [item for item in first["understood"] if item["kind"] == "return"]
    assert (item["code"], item["lines"], item["entry"]["amount"]) == ("R01", [3, 4], 2_500)
    assert item["entry"]["account"] == "•2345"
    assert first["quarantined"] == first["remarks"] == []
    assert first["counts"]["return"] == 1 and second["counts"]["entry"] == 3


def test_much_that_was_quarantined_is_json_too(tmp_path: Path) -> None:
    path = tmp_path / "bin"
    path.write_bytes(random.Random(4).randbytes(300_000))
    status, said = run(path)
    assert status == 1
    assert len(json.dumps(said)) > 3 * nacha_read.PIECE


def test_what_was_quarantined(tmp_path: Path) -> None:
    bad = saved(tmp_path, "bad.ach", [*returned(entry(), addenda99("RX1"))[:5], "12345678901234567"])
    status, said = run(bad)
    assert status == 1
    [one] = said["files"]
    assert [item["line"] for item in one["quarantined"]] == [3, 4, 6]
    assert "code (4-6)" in one["quarantined"][0]["reason"]
    assert one["quarantined"][2]["text"] == "123456789012…"
    assert "file control record is missing" in one["remarks"][-1]["text"]


def test_account_numbers_in_full_on_request(tmp_path: Path) -> None:
    change = saved(tmp_path, "change.ach", returned(entry("21", 0), addenda98("C01", "9876543"), sec="COR", amount=0))
    for whole, account in ((False, "•••6543"), (True, "9876543")):
        [one] = run(change, whole=whole)[1]["files"]
        [item] = [item for item in one["understood"] if item["kind"] == "change"]
        assert item["data"] == item["correction"]["account"] == account


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^There is no file .*nothing\.ach\.$") as error:
        run(saved(tmp_path, "there.ach", [text()]), tmp_path / "nothing.ach")
    assert error.value.returncode == 2
