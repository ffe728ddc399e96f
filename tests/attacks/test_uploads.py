"""Identity documents as a way in: files that are something else, that carry something along, that are too much."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from bench.campaigns.fuzz_forms import FILES, multipart
from compliance.documents import contents
from compliance.documents.store import Folder
from tests.conftest import Database
from tests.helpers import assert_problem
from tests.rls.world import Belongings

SCRIPT = b"<script>alert(document.domain)</script>"
PLACE = b"40.7128N 74.0060W"


def picture(kind: str = "PNG", size: tuple[int, int] = (400, 300), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 40).convert("RGB").save(out, kind, **more)
    return out.getvalue()


def send(who: Belongings, name: str, data: bytes, kind: str, fields: dict[str, str] | None = None) -> Any:
    body = multipart({"kind": "passport"} | (fields or {}), {"file": (name, data, kind)})
    said = "multipart/form-data; boundary=fuzz-boundary"
    return Client().generic("POST", "/v1/documents", body, content_type=said, headers=who.person.headers)


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DOCUMENTS_FOLDER, settings.DOCUMENTS_S3 = str(tmp_path / "documents"), ""
    return tmp_path / "documents"


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_a_file_that_is_none_is_refused_and_not_kept(database: Database, attacker: Belongings, folder: Path) -> None:
    """The campaign's files, by what they hold: names and types that browsers say are believed by nobody."""
    before = database.as_superuser("select count(*) from compliance_document")
    for name, data, kind in FILES[:6]:
        answer = send(attacker, name, data, kind)
        assert 400 <= answer.status_code < 500, (name, answer.content)
        assert answer["Content-Type"] == "application/problem+json"
    for _, data, _ in FILES:
        with pytest.raises(contents.Refused):
            contents.clean_here(data)
    assert stored(folder) == []
    assert database.as_superuser("select count(*) from compliance_document") == before


def test_a_name_is_no_path_and_what_lies_there_is_sealed(database: Database, attacker: Belongings, folder: Path) -> None:
    data = picture("JPEG", comment=SCRIPT)
    answer = send(attacker, "../../../../tmp/evil.php", data, "application/x-php")
    assert answer.status_code == 201, answer.content
    [path] = stored(folder)
    assert answer.json()["id"] in path.name
    assert path.stat().st_mode & 0o077 == 0
    lies_there = path.read_bytes()
    assert data[:64] not in lies_there
    assert b"JFIF" not in lies_there
    assert isinstance(Folder(folder).get(answer.json()["id"]), bytes)
    assert "evil" not in str(database.as_superuser("select d::text from compliance_document d"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_came_with_a_picture_is_gone(kind: str) -> None:
    """Where it was taken, comments, and a page or an archive that was put behind it."""
    exif = Image.Exif()
    exif[0x010E] = PLACE.decode()
    carrying = picture(kind, exif=exif.tobytes()) + SCRIPT + b"PK\x03\x04evil"
    assert PLACE in carrying  # the control: it was there
    kept = contents.clean_here(carrying).data
    assert kept.startswith(b"\xff\xd8\xff")
    for evil in (PLACE, SCRIPT, b"PK\x03\x04", b"Exif"):
        assert evil not in kept


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it is a picture of billions of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\x00" * 1_000_000)) + chunk(b"IEND", b"")


def test_a_bomb_is_not_unpacked(database: Database, attacker: Belongings, folder: Path) -> None:
    assert len(bomb(60_000, 60_000)) < 3_000
    with pytest.raises(contents.Refused) as refused:
        contents.clean_here(bomb(60_000, 60_000))
    assert refused.value.why == "too_many_pixels"
    assert_problem(send(attacker, "a.png", bomb(7_000, 8_000), "image/png"), 400, "validation_error")  # it says more than it has


def pdf(*, action: dict[str, Any] | None = None, attached: bool = False) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(400, 400)
    if action:
        writer._root_object[NameObject("/OpenAction")] = DictionaryObject(action)
    if attached:
        writer.add_attachment("evil.exe", b"MZ")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


SCRIPTED = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
LAUNCHING = {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("cmd.exe")}


EVIL = {"script": pdf(action=SCRIPTED), "launch": pdf(action=LAUNCHING), "file": pdf(attached=True)}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_a_pdf_that_does_something_is_refused(evil: bytes) -> None:
    with pytest.raises(contents.Refused) as refused:
        contents.clean_here(evil)
    assert refused.value.why == "active"
    assert contents.clean_here(pdf()).media_type == "application/pdf"  # the control


def test_what_is_too_large_is_not_read_to_its_end(database: Database, attacker: Belongings, folder: Path) -> None:
    answer = send(attacker, "a.png", picture() + b"\x00" * (11 * 2**20), "image/png")
    assert_problem(answer, 413, "body_too_large")
    assert stored(folder) == []


def test_whoever_reads_strangers_files_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of its own gets nothing of ours with its environment: not the keys, not the database."""
    seen = {}
    whole = contents.subprocess.run
    monkeypatch.setattr(contents.subprocess, "run", lambda *args, **kwargs: seen.update(kwargs) or whole(*args, **kwargs))
    contents.cleaned(picture())
    assert not {"PAYA_SECRET_KEY", "DATABASE_URL", "PAYA_JWT_KEY", "PAYA_BLIND_KEY"} & set(seen["env"])
