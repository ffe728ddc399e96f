"""What of an upload is kept: pixels, or pages, and nothing that came with them.

A picture is decoded and encoded anew, so that metadata (where it was taken) and whatever was appended or hidden are gone. Of a
PDF the pages are copied; one with a password, a script, an attached file or an action is refused. The type is read from the
first bytes, never from a name or what the browser says.

Libraries that read strangers' files have bugs. This file imports nothing of ours, because `cleaned` runs it as a program of its
own with little memory and time: what takes too much of either, or crashes, ends there.
"""

import io
import json
import subprocess
import sys
import warnings
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 60_000_000
MIN_SIDE, KEPT_SIDE = 300, 4000  # fewer pixels cannot be read; more of them show nothing more
MAX_PAGES, MAX_OBJECTS = 10, 200_000
CHILD_SECONDS, CHILD_MEMORY = 20, 1024**3
# Names of a PDF's dictionary that make it do something, or carry something along.
ACTIVE = {
    "/JS", "/JavaScript", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/OpenAction", "/AA", "/RichMedia", "/XFA", "/SubmitForm",
    "/ImportData", "/GoToE", "/GoToR", "/Rendition", "/Movie", "/Sound", "/FileAttachment", "/AF",
}  # fmt: skip
_SAID = {
    "empty": "The file is empty.",
    "too_large": "The file is larger than 10 MB. Take the picture again, a little smaller.",
    "type": "Send a JPEG or PNG picture, or a PDF.",
    "broken": "This file cannot be opened. Take the picture again, or save it anew.",
    "too_many_pixels": "This picture has too many pixels. Take it again, a little smaller.",
    "too_small": "This picture is too small to be read. Take it again from closer by.",
    "encrypted": "This PDF has a password. Save it without one, or send a picture.",
    "active": "This PDF holds more than pages: a script, a form or an attached file. Print it as a PDF anew, or send a picture.",
    "pages": "Send the pages that show you and your details: at most 10.",
}


class Refused(Exception):
    """The file is not kept. `why` is a key of `_SAID`, `words` the sentence for the person."""

    def __init__(self, why: str) -> None:
        self.why, self.words = why, _SAID[why]
        super().__init__(why)


@dataclass(frozen=True)
class Clean:
    media_type: str
    pages: int
    data: bytes


def cleaned(data: bytes) -> Clean:
    """What is kept of an upload, worked out in a process of its own. Raises Refused."""
    _size(data)
    try:
        program = [sys.executable, "-I", __file__]
        # Without our environment: whoever gets a library to do their bidding finds no keys in it, and no database.
        done = subprocess.run(program, input=data, capture_output=True, timeout=CHILD_SECONDS, check=False, env={})
    except subprocess.TimeoutExpired as error:
        raise Refused("broken") from error
    head, _, rest = done.stdout.partition(b"\n")
    try:
        answer = json.loads(head)
    except ValueError as error:  # it was ended, or crashed
        raise Refused("broken") from error
    if "why" in answer:
        raise Refused(answer["why"])
    return Clean(answer["media_type"], answer["pages"], rest)


def clean_here(data: bytes) -> Clean:
    """The same in this process: for the child, and for tests. Raises Refused."""
    _size(data)
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return Clean("image/jpeg", 1, _picture(data, "JPEG"))
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return Clean("image/jpeg", 1, _picture(data, "PNG"))
        if data.startswith(b"%PDF-"):
            return _pages(data)
    except Refused:
        raise
    except Exception as error:  # whatever a stranger's file makes a library raise: the file is at fault
        raise Refused("broken") from error
    raise Refused("type")


def _size(data: bytes) -> None:
    if not data:
        raise Refused("empty")
    if len(data) > MAX_BYTES:
        raise Refused("too_large")


# ------------------------------------------------------------------------------------------------------ pictures
def _picture(data: bytes, kind: str) -> bytes:
    from PIL import Image, ImageOps

    warnings.simplefilter("ignore")  # of the library's about large pictures: ours is a refusal
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(io.BytesIO(data), formats=[kind]) as image:
        width, height = image.size  # before a single pixel is decoded
        if width * height > MAX_PIXELS:
            raise Refused("too_many_pixels")
        if min(width, height) < MIN_SIDE:
            raise Refused("too_small")
        image.draft("RGB", (KEPT_SIDE, KEPT_SIDE))  # a JPEG is decoded no larger than it is kept
        image.load()
        see_through = "A" in image.getbands() or "transparency" in image.info
        seen = ImageOps.exif_transpose(image).convert("RGBA" if see_through else "RGB")
    seen.thumbnail((KEPT_SIDE, KEPT_SIDE))
    # A new picture: nothing of the old one's metadata, profiles or comments comes along.
    kept = Image.new("RGB", seen.size, "white")
    kept.paste(seen, mask=seen.getchannel("A") if seen.mode == "RGBA" else None)
    out = io.BytesIO()
    kept.save(out, "JPEG", quality=88)
    return out.getvalue()


# ---------------------------------------------------------------------------------------------------------- PDFs
def _pages(data: bytes) -> Clean:
    from pypdf import PdfReader, PdfWriter

    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted:
        raise Refused("encrypted")
    count = len(reader.pages)
    if not 1 <= count <= MAX_PAGES:
        raise Refused("pages")
    _look_through(reader.trailer)
    writer = PdfWriter()
    for page in reader.pages:
        kept = writer.add_page(page)
        for name in ("/Annots", "/AA", "/Metadata", "/PieceInfo", "/B"):
            kept.pop(name, None)
    writer.metadata = None
    out = io.BytesIO()
    writer.write(out)
    kept_data = out.getvalue()
    if len(kept_data) > MAX_BYTES:
        raise Refused("too_large")
    _look_through(PdfReader(io.BytesIO(kept_data)).trailer)
    return Clean("application/pdf", count, kept_data)


def _look_through(root: Any) -> None:
    """Every object that can be reached: raises Refused where one of them does, or carries, something."""
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

    waiting, seen = [root], set()
    looked = 0
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, IndirectObject):
            if (thing.idnum, thing.generation) in seen:
                continue
            seen.add((thing.idnum, thing.generation))
            thing = thing.get_object()
        looked += 1
        if looked > MAX_OBJECTS:
            raise Refused("broken")
        if isinstance(thing, DictionaryObject):
            named = {str(thing.raw_get(key)) for key in ("/S", "/Type", "/Subtype") if key in thing}
            if ACTIVE & (named | set(thing)):
                raise Refused("active")
            waiting += [thing.raw_get(key) for key in thing]
        elif isinstance(thing, ArrayObject):
            waiting += list.__iter__(thing)


def _main() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_SECONDS, CHILD_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    try:
        kept = clean_here(sys.stdin.buffer.read(MAX_BYTES + 1))
        answer, rest = {"media_type": kept.media_type, "pages": kept.pages}, kept.data
    except (Refused, MemoryError) as error:
        answer, rest = {"why": error.why if isinstance(error, Refused) else "broken"}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + rest)


if __name__ == "__main__":
    _main()
