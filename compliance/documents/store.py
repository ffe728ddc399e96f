"""Where documents lie, sealed: a folder under PAYA_DATA, or a bucket with KMS (PAYA_DOCUMENTS_S3).

In both what lies there is encrypted under a key of its own, which is itself kept encrypted under the person's data key
(compliance_document.content_key): whoever destroys that has destroyed every copy, those in backups as well. The bucket encrypts
a second time, with a key of KMS.
"""

import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from core import aws, resilience
from core.keyring import DecryptionFailed
from core.resilience import ProviderDown, ProviderRejected

BREAKER = "documents"
_MISSING = {"NoSuchKey", "404"}


class Gone(ProviderRejected):
    """There is nothing under this name."""


class Store(Protocol):
    def put(self, name: str, data: bytes) -> None:
        """Keep it under this name; again, the same is kept again. Raises ProviderDown, ProviderUnknown, ProviderRejected."""

    def get(self, name: str) -> bytes:
        """Raises Gone, ProviderDown, ProviderUnknown, ProviderRejected."""

    def remove(self, name: str) -> None:
        """Harmless when it is gone. Raises as `put` does."""


def new_key() -> bytes:
    return AESGCM.generate_key(256)


def seal(key: bytes, name: str, data: bytes) -> bytes:
    """nonce(12) | ciphertext+tag, bound to its name: it opens nowhere else."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, data, f"document|{name}".encode())


def unseal(key: bytes, name: str, blob: bytes) -> bytes:
    """Raises DecryptionFailed when it was altered or moved, or this is not its key."""
    try:
        return AESGCM(key).decrypt(blob[:12], blob[12:], f"document|{name}".encode())
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed("this document does not open") from error


def store() -> Store:
    """The one that the settings name."""
    return _store(settings.DOCUMENTS_S3, settings.DOCUMENTS_FOLDER)


@lru_cache(maxsize=4)
def _store(bucket: str, folder: str) -> Store:
    if not bucket:
        return Folder(Path(folder))
    parts = urlsplit(bucket)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError("PAYA_DOCUMENTS_S3 is written s3://bucket/prefix")
    return Bucket(parts.netloc, parts.path.strip("/"))


class Folder:
    """Files that their owner alone may read. Each appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, data: bytes) -> None:
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(dir=self._root, prefix=".", suffix=".part")  # mode 0600
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(unfinished, self._root / name)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(unfinished)
                raise
        except OSError as error:
            raise ProviderDown(f"documents cannot be kept: {error.strerror}") from error

    def get(self, name: str) -> bytes:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError as error:
            raise Gone("missing") from error
        except OSError as error:
            raise ProviderDown(f"documents cannot be read: {error.strerror}") from error

    def remove(self, name: str) -> None:
        try:
            (self._root / name).unlink(missing_ok=True)
        except OSError as error:
            raise ProviderDown(f"documents cannot be removed: {error.strerror}") from error


class Bucket:
    """Every object is written with SSE-KMS, by the key that the settings name (or the bucket's own)."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def put(self, name: str, data: bytes) -> None:
        key = {"SSEKMSKeyId": settings.DOCUMENTS_KMS_KEY} if settings.DOCUMENTS_KMS_KEY else {}
        self._call(
            "put_object", name, Body=data, ContentType="application/octet-stream", ServerSideEncryption="aws:kms", **key
        )

    def get(self, name: str) -> bytes:
        answer = self._call("get_object", name)
        try:
            return bytes(answer["Body"].read())
        except BotoCoreError as error:
            raise ProviderDown("s3 broke off") from error

    def remove(self, name: str) -> None:
        self._call("delete_object", name)

    def _call(self, method: str, name: str, **arguments: Any) -> Any:
        def once() -> Any:
            try:
                client = aws.client("s3", endpoint=settings.DOCUMENTS_S3_ENDPOINT, read_seconds=15)
                return getattr(client, method)(Bucket=self._bucket, Key=self._prefix + name, **arguments)
            except (ClientError, BotoCoreError) as error:
                code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
                raise (Gone(code) if code in _MISSING else aws.meaning("s3", error)) from error

        return resilience.call(BREAKER, once, tries=2)
