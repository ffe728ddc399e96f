"""Where copies of people's data lie until they expire: a bucket (encrypted by KMS as well), or a folder of ours.

What lies there is encrypted before it comes here, under a key that is sealed under the person's own (services/exports.py).
"""

import contextlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from core import aws
from core.resilience import ProviderRejected


def put(name: str, content: bytes) -> None:
    """Store it; again, it is replaced. Raises ProviderDown, ProviderUnknown, ProviderRejected."""
    if settings.EXPORTS_S3:
        key = {"SSEKMSKeyId": settings.KMS_KEY} if settings.KMS_KEY else {}
        _s3("put_object", name, Body=content, ServerSideEncryption="aws:kms", **key)
        return
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = folder / f".{name}"
    temporary.write_bytes(content)
    temporary.chmod(0o600)
    temporary.replace(folder / name)


def get(name: str) -> bytes | None:
    """What lies there, or None."""
    if not settings.EXPORTS_S3:
        with contextlib.suppress(FileNotFoundError):
            return (_folder() / name).read_bytes()
        return None
    try:
        content: bytes = _s3("get_object", name)["Body"].read()
    except ProviderRejected as error:
        if error.code in ("NoSuchKey", "404"):
            return None
        raise
    return content


def remove(name: str) -> None:
    """Remove it; nothing happens where there is nothing."""
    if settings.EXPORTS_S3:
        _s3("delete_object", name)
        return
    (_folder() / name).unlink(missing_ok=True)


def _folder() -> Path:
    return Path(settings.EXPORTS_FOLDER)


def _s3(call: str, name: str, **given: Any) -> Any:
    place = urlsplit(settings.EXPORTS_S3)
    prefix = place.path.strip("/")
    key = f"{prefix}/{name}" if prefix else name
    try:
        return getattr(aws.client("s3", endpoint=settings.EXPORTS_S3_ENDPOINT, read_seconds=30.0), call)(
            Bucket=place.netloc, Key=key, **given
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.meaning("s3", error) from error
