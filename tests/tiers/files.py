"""Files as people and attackers send them."""

import io
import zipfile
import zlib
from typing import Any

SECRET = b"GPS 40.7128,-74.0060"


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **options: Any) -> bytes:
    from PIL import Image

    image = Image.linear_gradient("L").resize(size).convert(mode)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_metadata() -> bytes:
    """A photo as a phone takes it: turned by a tag, and saying where it was taken, in every way that there is."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F] = "Camera " + SECRET.decode()
    exif[0x0112] = 6  # on its side
    return picture("JPEG", (640, 400), exif=exif.tobytes(), comment=SECRET, icc_profile=SECRET * 10)


def png_with_text() -> bytes:
    from PIL.PngImagePlugin import PngInfo

    said = PngInfo()
    said.add_text("Comment", SECRET.decode())
    said.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    return picture("PNG", mode="RGBA", pnginfo=said)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("run.sh", SECRET)
    return out.getvalue()


def png_bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A few kilobytes that would be two and a half gigabytes of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    body = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def pdf(pages: int = 1, **more: Any) -> bytes:
    """`password`, `script`, `attached`, `opens`, `annotated`, `info`: what a PDF may hold besides its pages."""
    from pypdf import PdfWriter
    from pypdf.annotations import Link
    from pypdf.generic import DictionaryObject, NameObject, TextStringObject

    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(600, 400)
    if more.get("script"):
        runs = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
        writer.root_object[NameObject("/OpenAction")] = DictionaryObject(runs)
    if more.get("attached"):
        writer.add_attachment("run.exe", SECRET)
    if more.get("opens"):
        action = {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("cmd.exe")}
        writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): DictionaryObject(action)})
    if more.get("annotated"):
        writer.add_annotation(0, Link(rect=(0, 0, 99, 99), url="https://" + SECRET.decode().replace(" ", "") + ".example"))
    if more.get("info"):
        writer.add_metadata({"/Author": SECRET.decode()})
    if more.get("password"):
        writer.encrypt("secret")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
