"""Files in forms: one at a time, in memory, and no more of it than may be kept.

Django's own handlers would put what is large into a temporary file: somebody's passport, readable, on a disk. And they read to
the end whatever is sent.
"""

import io
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from core.errors import PayaError

MAX_BYTES = 10 * 1024 * 1024
# Around the file: the other fields, and the form's own marks.
MAX_BODY = MAX_BYTES + 64 * 1024


class BodyTooLarge(PayaError):
    code, status, title = "body_too_large", 413, "That file is too large"
    detail = "A file may have 10 MB at most."


class Capped(FileUploadHandler):
    """Keeps a file up to the cap. (How many there may be is DATA_UPLOAD_MAX_NUMBER_FILES.)"""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._kept = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > MAX_BYTES:
            # What is left of a file that is somewhat too large is read, so that the browser hears our answer.
            raise StopUpload(connection_reset=declared(self.request) > 4 * MAX_BYTES)
        self._kept.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self._kept.seek(0)
        return InMemoryUploadedFile(
            self._kept, self.field_name, self.file_name or "", self.content_type or "", file_size, self.charset
        )


def declared(request: HttpRequest | None) -> int:
    """The length of the body as its sender says."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0
    except ValueError:
        return 0


def the_file(request: Any, name: str) -> bytes | None:
    """The bytes of the form's file, or None where it has none. Raises BodyTooLarge.

    Its name and its type as the browser gives them are of no interest: neither is kept anywhere.
    """
    file = request.FILES.get(name)
    if file is None:
        if declared(request) > MAX_BYTES:
            raise BodyTooLarge
        return None
    return bytes(file.read())
