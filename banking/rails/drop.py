"""Where files are exchanged with our bank: a folder that its SFTP server shows, or an S3 bucket.

    outgoing/   what we send. The bank reads it there and removes nothing, so that what was sent can be found again.
    incoming/   what the bank sends, under a name that is final only when the file is whole (not `.part`, `.tmp`, `.…`).
    read/       where a file of `incoming/` goes once we have it.

Both put a file only where no file of that name is, in one step: after a crash it is either there, whole, or not.
"""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from core import aws, resilience
from core.clock import now
from core.resilience import ProviderDown

log = logging.getLogger("paya.banking")
OUTGOING, INCOMING, READ = "outgoing", "incoming", "read"
UNFINISHED = (".part", ".tmp", ".filepart")
_TAKEN = {"PreconditionFailed", "412", "ConditionalRequestConflict"}
_MISSING = {"NoSuchKey", "404"}


class Drop(Protocol):
    def put(self, name: str, data: bytes) -> bool:
        """Send a file; False when one of that name is there already, which is left as it is."""

    def sent(self, name: str) -> bytes | None:
        """What was sent under that name, or None."""

    def waiting(self) -> list[str]:
        """Names of what the bank has sent and we have not taken, in order."""

    def read(self, name: str) -> bytes: ...

    def take(self, name: str) -> None:
        """Out of the way, once it is kept. Harmless when it is gone."""

    def ping(self) -> None:
        """Whether files can be put there and what the bank sends can be seen; raises as the others do."""


@contextmanager
def reaching() -> Iterator[None]:
    """A folder that cannot be reached is the bank's machine being down; and staff may hold it as any vendor."""
    if resilience.is_held("odfi"):
        raise ProviderDown("odfi is held by staff")
    try:
        yield
    except OSError as error:
        raise ProviderDown(f"the drop cannot be reached ({type(error).__name__})") from error


@lru_cache(maxsize=4)
def _at(place: str) -> Drop:
    if place.startswith("s3://"):
        parts = urlsplit(place)
        return Bucket(parts.netloc, parts.path.strip("/"))
    return Folder(Path(place))


def drop() -> Drop:
    """The one that the settings name; raises KeyError where there is none."""
    if not settings.ODFI_DROP:
        raise KeyError("odfi")
    return _at(settings.ODFI_DROP)


def _finished(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(UNFINISHED)


class Folder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._said: date | None = None  # when links and folders in `incoming/`, which nobody should send, were raised

    def put(self, name: str, data: bytes) -> bool:
        folder = self._folder(OUTGOING)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o640)
            try:
                os.link(temporary, folder / name)  # a rename would write over what is there
            except FileExistsError:
                return False
            _sync(folder)
            return True
        finally:
            os.unlink(temporary)

    def sent(self, name: str) -> bytes | None:
        try:
            return (self._folder(OUTGOING) / name).read_bytes()
        except FileNotFoundError:
            return None

    def waiting(self) -> list[str]:
        found = {each.name: each.is_file() and not each.is_symlink() for each in self._folder(INCOMING).iterdir()}
        odd = [name for name, regular in found.items() if not regular]
        if odd and (day := now().date()) != self._said:
            self._said = day
            log.error("nacha_incoming_odd", extra={"count": len(odd), "file": sorted(odd)[0][:200]})
        return sorted(name for name, regular in found.items() if regular and _finished(name))

    def read(self, name: str) -> bytes:
        """Never through a link: whoever may write here does not choose what of this machine we read."""
        handle = os.open(self._folder(INCOMING) / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read()

    def take(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.replace(self._folder(INCOMING) / name, self._folder(READ) / name)

    def ping(self) -> None:
        resilience.call("odfi", self._try)

    def _try(self) -> None:
        self.waiting()
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=self._folder(OUTGOING))
        os.close(handle)
        os.unlink(temporary)

    def _folder(self, name: str) -> Path:
        folder = self._path / name
        folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        return folder


def _sync(folder: Path) -> None:
    """The name itself on the disk, and not only the file's content."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bucket:
    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def put(self, name: str, data: bytes) -> bool:
        try:
            self._call("put_object", Key=self._key(OUTGOING, name), Body=data, IfNoneMatch="*", ServerSideEncryption="AES256")
        except _Refused as refusal:
            if refusal.code in _TAKEN:
                return False
            raise
        return True

    def sent(self, name: str) -> bytes | None:
        try:
            return self._get(OUTGOING, name)
        except _Refused as refusal:
            if refusal.code in _MISSING:
                return None
            raise

    def waiting(self) -> list[str]:
        start, names = self._key(INCOMING, ""), []
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=start, **more)
            names += [each["Key"].removeprefix(start) for each in page.get("Contents", [])]
            if not page.get("IsTruncated"):
                return sorted(name for name in names if name and "/" not in name and _finished(name))
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def read(self, name: str) -> bytes:
        return self._get(INCOMING, name)

    def take(self, name: str) -> None:
        source = {"Bucket": self._bucket, "Key": self._key(INCOMING, name)}
        with suppress(_Missing):
            self._call("copy_object", Key=self._key(READ, name), CopySource=source)
            self._call("delete_object", Key=self._key(INCOMING, name))

    def ping(self) -> None:
        self._call("list_objects_v2", Prefix=self._key(INCOMING, ""), MaxKeys=1)
        self._call("put_object", Key=self._key(OUTGOING, ".ping.part"), Body=b"", ServerSideEncryption="AES256")

    def _get(self, folder: str, name: str) -> bytes:
        answer = self._call("get_object", Key=self._key(folder, name))
        try:
            return bytes(answer["Body"].read())
        except BotoCoreError as error:
            raise ProviderDown("s3 broke off") from error

    def _key(self, folder: str, name: str) -> str:
        return f"{self._prefix}{folder}/{name}"

    def _call(self, method: str, **arguments: Any) -> Any:
        def once() -> Any:
            try:
                client = aws.client("s3", endpoint=settings.ODFI_S3_ENDPOINT, read_seconds=30)
                return getattr(client, method)(Bucket=self._bucket, **arguments)
            except (ClientError, BotoCoreError) as error:
                code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
                if code in _TAKEN | _MISSING:
                    raise (_Missing if code in _MISSING else _Refused)(code) from error
                raise aws.meaning("s3", error) from error

        return resilience.call("odfi", once)


class _Refused(resilience.ProviderRejected):
    """An answer that says something about the file, and nothing against the provider."""


class _Missing(_Refused):
    """There is no such file."""
