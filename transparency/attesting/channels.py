"""The places where signed texts are published, under different control. One small port: put a text there, or find it there.

A text is put once and never overwritten: what is there already must be the same, or somebody has to look.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from core import aws
from core.clock import now
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown, call
from transparency.errors import ChannelFailed, PublishedOtherwise


class Channel(Protocol):
    """A place of publication."""

    name: str

    def put(self, file: str, content: bytes) -> str:
        """Where it is now. Done again it changes nothing. Raises ChannelFailed, or PublishedOtherwise."""

    def read(self, file: str) -> bytes | None:
        """What was put there first; None where nothing was. Raises ChannelFailed."""


class Site:
    """Our own site shows an entry once it is written down as published there: last, when it is everywhere else."""

    name = "site"

    def put(self, file: str, content: bytes) -> str:
        return f"{settings.PUBLIC_URL}/v1/transparency/attestations/{file.removesuffix('.txt')}"

    def read(self, file: str) -> bytes | None:
        return None  # it shows what the database has, which proves nothing to anybody


class Folder:
    """A folder of plain files that can be pushed anywhere: a git repository on two hosts, a disk, a web server."""

    name = "folder"

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def put(self, file: str, content: bytes) -> str:
        path = self._folder / file
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if path.exists():
                if path.read_bytes() != content:
                    raise PublishedOtherwise(f"{path.name} in the public folder has another text")
                return str(path)
            beside = path.with_name(f".{file}.new")
            beside.write_bytes(content)
            beside.chmod(0o644)
            beside.rename(path)
        except OSError as error:
            raise ChannelFailed(f"the public folder: {error.strerror}") from error
        return str(path)

    def read(self, file: str) -> bytes | None:
        try:
            return (self._folder / file).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ChannelFailed(f"the public folder: {error.strerror}") from error


class Bucket:
    """A bucket of S3 with Object Lock in COMPLIANCE mode, where nobody, we included, can remove what was put there.

    The lock protects versions: somebody can lay another version over ours. So the oldest one counts, for readers and for us.
    """

    name = "s3"

    def __init__(self, address: str) -> None:
        self._bucket, _, prefix = address.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def put(self, file: str, content: bytes) -> str:
        key = self._prefix + file
        oldest = self._oldest(key)
        if oldest is None:
            until = now() + timedelta(days=settings.ATTESTATION_S3_KEEP_DAYS)
            self._ask(
                lambda s3: s3.put_object(
                    Bucket=self._bucket, Key=key, Body=content, ContentType="text/plain; charset=utf-8",
                    ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until, ChecksumAlgorithm="SHA256",
                )
            )  # fmt: skip
            oldest = self._oldest(key)
        if oldest != content:
            raise PublishedOtherwise(f"{key} in the bucket has another text")
        return f"s3://{self._bucket}/{key}"

    def read(self, file: str) -> bytes | None:
        return self._oldest(self._prefix + file)

    def _oldest(self, key: str) -> bytes | None:
        """The first version of this key; None where there is none. Deleting only hides it."""
        versions: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self._ask(lambda s3, more=more: s3.list_object_versions(Bucket=self._bucket, Prefix=key, **more))
            versions += [version for version in page.get("Versions", []) if version["Key"] == key]
            if not page.get("IsTruncated"):
                break
            more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        if not versions:
            return None
        oldest = versions[-1]["VersionId"]  # listed newest first
        found = self._ask(lambda s3: s3.get_object(Bucket=self._bucket, Key=key, VersionId=oldest)["Body"].read())
        return bytes(found)

    def _ask(self, request: Any) -> Any:
        def once() -> Any:
            try:
                return request(aws.client("s3", endpoint=settings.ATTESTATION_S3_ENDPOINT))
            except (ClientError, BotoCoreError) as error:
                raise aws.meaning("s3", error) from error

        try:
            return call("s3", once, tries=2)
        except (ProviderDown, ProviderUnknown, ProviderRejected) as error:
            raise ChannelFailed(f"the bucket: {error}") from error


def configured() -> list[Channel]:
    """In the order in which they are published on; the site comes last."""
    channels: list[Channel] = []
    if settings.ATTESTATION_S3:
        channels.append(Bucket(settings.ATTESTATION_S3))
    if settings.ATTESTATION_FOLDER:
        channels.append(Folder(settings.ATTESTATION_FOLDER))
    return [*channels, Site()]
