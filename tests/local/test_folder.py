import json
import os
import stat
from pathlib import Path

import pytest

from paya.local.errors import StartError
from paya.local.folder import DataFolder, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_for_us_alone_whatever_the_umask(data: Path) -> None:
    before = os.umask(0)
    try:
        folder = DataFolder(data)
        folder.create()
        folder.secrets()
    finally:
        os.umask(before)
    assert mode(data) == 0o700
    assert mode(data / "secrets.json") == mode(data / "keys.json") == 0o600
    assert {mode(part) for part in (folder.run, folder.logs, folder.sandbox)} == {0o700}


def test_secrets_stay_and_new_kinds_join_them(data: Path) -> None:
    folder = DataFolder(data)
    folder.create()
    first = folder.secrets()
    older = {name: value for name, value in first.items() if name != "PAYA_OTP_KEY"}
    write_private(data / "secrets.json", json.dumps(older))
    second = DataFolder(data).secrets()
    assert second.keys() == first.keys()
    assert {name: second[name] for name in older} == older
    keys = json.loads((data / "keys.json").read_text())
    assert len(bytes.fromhex(keys["keys"][keys["active"]])) == 32
    assert all(len(bytes.fromhex(first[name])) == 32 for name in ("PAYA_JWT_KEY", "PAYA_OTP_KEY", "PAYA_BLIND_KEY"))


def test_a_write_that_fails_leaves_the_old_file(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = DataFolder(data)
    folder.create()
    before = folder.secrets()

    def no_space(_descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        write_private(data / "secrets.json", "{}")
    assert DataFolder(data).secrets() == before


def test_only_one_holds_the_folder(data: Path) -> None:
    first, second = DataFolder(data), DataFolder(data)
    first.create()
    first.lock()
    with pytest.raises(StartError, match=f"already runs on the data folder {data} \\(process {os.getpid()}\\)"):
        second.lock()
    first.unlock()
    second.lock()
    second.unlock()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="The data folder .*/file/data cannot be written .*set PAYA_DATA"):
        DataFolder(tmp_path / "file" / "data").create()


def test_state_remembers_and_forgets(data: Path) -> None:
    folder = DataFolder(data)
    folder.create()
    folder.remember(postgres_port=1, embedded={"demo": "done"})
    folder.remember(postgres_port=None)
    assert DataFolder(data).state() == {"embedded": {"demo": "done"}}
