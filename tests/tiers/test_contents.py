"""What of an upload is kept, and what is not let in at all."""

import io

import pytest

from compliance.documents import contents
from compliance.documents.contents import Refused, clean_here, cleaned
from tests.tiers.files import SECRET, archive, pdf, picture, png_bomb, png_with_text, with_metadata


def opened(data: bytes) -> "object":
    from PIL import Image

    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    "data",
    [with_metadata(), png_with_text(), picture() + archive(), picture("PNG") + archive(), picture() + b"<script>" + SECRET],
    ids=["photo", "png", "jpeg-and-zip", "png-and-zip", "jpeg-and-script"],
)
def test_of_a_picture_only_the_pixels_stay(data: bytes) -> None:
    assert SECRET in data or b"PK\x03\x04" in data
    kept = clean_here(data)
    assert kept.media_type == "image/jpeg"
    for trace in (SECRET, b"PK\x03\x04", b"<script>", b"Exif", b"ICC_PROFILE", b"run.sh"):
        assert trace not in kept.data
    assert opened(kept.data).getexif() == {}  # type: ignore[attr-defined]


def test_a_photo_on_its_side_stands_up_and_looks_the_same() -> None:
    kept = opened(clean_here(with_metadata()).data)
    assert kept.size == (400, 640)  # type: ignore[attr-defined]


def test_a_large_picture_is_made_smaller_and_can_still_be_read() -> None:
    kept = opened(clean_here(picture(size=(6000, 3000))).data)
    assert kept.size == (4000, 2000)  # type: ignore[attr-defined]


def test_what_cannot_be_seen_through_is_white_behind() -> None:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGBA", (400, 400), (0, 0, 0, 0)).save(out, "PNG")
    pixel = opened(clean_here(out.getvalue()).data).getpixel((200, 200))  # type: ignore[attr-defined]
    assert min(pixel) > 250


def test_of_a_pdf_the_pages_stay() -> None:
    kept = clean_here(pdf(3, annotated=True, info=True) + archive())
    assert (kept.media_type, kept.pages) == ("application/pdf", 3)
    assert SECRET not in kept.data
    assert b"PK\x03\x04" not in kept.data
    assert b"/Annots" not in kept.data


BAD = {
    "empty": (b"", "empty"),
    "a letter": (b"x", "type"),
    "text": (b"This is my passport, honestly." * 100, "type"),
    "page": (b"<html><script>alert(1)</script></html>", "type"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "type"),
    "zip": (archive(), "type"),
    "gif": (picture("GIF"), "type"),
    "webp": (picture("WEBP"), "type"),
    "tiff": (picture("TIFF"), "type"),
    "bmp": (picture("BMP"), "type"),
    "program": (b"MZ" + bytes(5000), "type"),
    "pdf behind something": (b"GIF89a" + pdf(), "type"),
    "zeros": (bytes(5000), "type"),
    "too large": (b"\xff\xd8\xff" + bytes(contents.MAX_BYTES), "too_large"),
    "jpeg cut off": (picture()[:400], "broken"),
    "jpeg head": (b"\xff\xd8\xff", "broken"),
    "png cut off": (picture("PNG")[:200], "broken"),
    "png that is a jpeg": (b"\x89PNG\r\n\x1a\n" + picture(), "broken"),
    "jpeg that is a page": (b"\xff\xd8\xff<html><script>alert(1)</script>", "broken"),
    "bomb": (png_bomb(), "too_many_pixels"),
    "line": (png_bomb(1_000_000, 1), "too_small"),
    "thumbnail": (picture(size=(120, 90)), "too_small"),
    "pdf with a password": (pdf(password=True), "encrypted"),
    "pdf with a script": (pdf(script=True), "active"),
    "pdf with a file": (pdf(attached=True), "active"),
    "pdf that starts something": (pdf(opens=True), "active"),
    "pdf without an end": (b"%PDF-1.7\n" + b"1 0 obj\n<<" * 2000, "broken"),
    "pdf without pages": (pdf(0), "pages"),
    "pdf of eleven pages": (pdf(11), "pages"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_a_reason_and_what_to_do(name: str) -> None:
    data, why = BAD[name]
    with pytest.raises(Refused) as refusal:
        clean_here(data)
    assert refusal.value.why == why
    assert refusal.value.words.endswith(".")


def test_the_same_in_a_process_of_its_own() -> None:
    assert cleaned(png_with_text()).media_type == "image/jpeg"
    with pytest.raises(Refused) as refusal:
        cleaned(pdf(script=True))
    assert refusal.value.why == "active"


def test_what_takes_too_long_or_crashes_ends_in_its_own_process(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    import pathlib

    for body in ("import time; time.sleep(60)", "import os; os.abort()", "x = bytearray(8 * 2**30)"):
        program = pathlib.Path(str(tmp_path)) / "hostile.py"
        program.write_text(body)
        monkeypatch.setattr(contents, "__file__", str(program))
        monkeypatch.setattr(contents, "CHILD_SECONDS", 0.5)
        with pytest.raises(Refused) as refusal:
            cleaned(picture())
        assert refusal.value.why == "broken"


def test_flipped_bits_are_never_more_than_a_refusal() -> None:
    """Whatever a file's bytes are: a clean picture or pages, or a refusal, and nothing else."""
    from random import Random

    chance = Random(6)
    for whole in (picture(size=(320, 320)), picture("PNG", size=(320, 320)), pdf(2, info=True)):
        for _ in range(40):
            broken = bytearray(whole)
            for _ in range(chance.randint(1, 20)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            try:
                kept = clean_here(bytes(broken))
            except Refused:
                continue
            assert kept.media_type in ("image/jpeg", "application/pdf")
