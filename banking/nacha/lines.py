"""Bytes into lines of at most 94 characters, each with its place, in one pass and with bounded memory.

Banks send CRLF, LF, CR, or no line ends at all; a byte order mark here and there; UTF-8, CP1252 or Latin-1, by line;
no-break spaces and NULs where a mainframe's code page had spaces.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

WIDTH = 94
CHUNK = 1 << 16
BOM = b"\xef\xbb\xbf"
# Stands after a character of several bytes in a line that was laid out in bytes, so that positions stay right.
FILLER = "\N{WORD JOINER}"
BLANKS = str.maketrans({"\xa0": " ", "\x00": " ", "\x1a": " ", "\ufeff": " ", "\u2007": " ", "\u202f": " "})


@dataclass(frozen=True, slots=True)
class Line:
    """A record's place and text. `number` is the line in the file, `column` where in it the record begins, from 1."""

    number: int
    column: int
    text: str

    @property
    def shown(self) -> str:
        return self.text.replace(FILLER, "")


def lines(stream: BinaryIO) -> Iterator[Line]:
    """Every line, blank ones too; one that is longer than a record comes in pieces of 94 characters."""
    carry, column = "", 1
    for number, raw, more in physical(stream):
        text = carry + decode(raw)
        if not more:
            text = text.rstrip(" ")
        if column == 1 and len(text) <= WIDTH and not more:
            yield Line(number, 1, text)
            continue
        whole = len(text) // WIDTH * WIDTH if more else len(text)
        yield from pieces(number, column, text[:whole])
        column, carry = (column + whole, text[whole:]) if more else (1, "")


def pieces(number: int, column: int, text: str) -> Iterator[Line]:
    """Records that stand in one line without anything between them."""
    for start in range(0, len(text), WIDTH):
        yield Line(number, column + start, text[start : start + WIDTH])


def physical(stream: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """The number of each line, its bytes, and whether more of the same line follows, which comes when it is very long."""
    number, rest = 1, b""
    while chunk := stream.read(CHUNK):
        data = rest + chunk
        # The line feed that belongs to a carriage return at the very end may be in the next chunk.
        held = b"\r" if data.endswith(b"\r") else b""
        parts = (data[:-1] if held else data).splitlines(keepends=True)
        rest = parts.pop() if parts and not parts[-1].endswith((b"\n", b"\r")) else b""
        for part in parts:
            yield number, part.rstrip(b"\r\n"), False
            number += 1
        while len(rest) > CHUNK:
            cut = _boundary(rest, CHUNK)
            yield number, rest[:cut], True
            rest = rest[cut:]
        rest += held
    for part in rest.splitlines():
        yield number, part, False
        number += 1


def _boundary(raw: bytes, cut: int) -> int:
    """Where to cut, not inside a character of UTF-8: its later bytes begin with the bits 10, and are three at most."""
    for back in range(4):
        if raw[cut - back] & 0xC0 != 0x80:
            return cut - back
    return cut


def decode(raw: bytes) -> str:
    """A line's characters; a space for each of those that stand for one."""
    text = raw.decode("ascii") if raw.isascii() else _characters(raw.removeprefix(BOM))
    return text if text.isprintable() else text.translate(BLANKS)


def _characters(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
    if len(raw) == WIDTH != len(text):
        return "".join(char + FILLER * (len(char.encode()) - 1) for char in text.translate(BLANKS))
    return text
