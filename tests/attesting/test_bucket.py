"""A bucket with Object Lock, at moto's server: what was put there stays, and the oldest version is what counts."""

from collections.abc import Iterator
from typing import Any

import pytest

from core import resilience
from tests.keys.aws import Aws
from tests.keys.conftest import aws as aws  # fixtures
from tests.keys.conftest import aws_server as aws_server
from transparency.attesting.channels import Bucket
from transparency.errors import ChannelFailed, PublishedOtherwise

TEXT = b"paya.example/attestation/v1\n"


@pytest.fixture
def s3(aws: Aws, settings: Any) -> Iterator[Any]:
    settings.ATTESTATION_S3_ENDPOINT = aws.url
    client = aws.client("s3")
    client.create_bucket(Bucket="board", ObjectLockEnabledForBucket=True)
    yield client
    resilience.forget_failures()


def test_a_text_is_locked_once_and_for_years(s3: Any) -> None:
    channel = Bucket("s3://board/days")
    assert channel.put("2026-03-01.txt", TEXT) == "s3://board/days/2026-03-01.txt"
    assert channel.put("2026-03-01.txt", TEXT) == "s3://board/days/2026-03-01.txt"
    [version] = s3.list_object_versions(Bucket="board")["Versions"]
    kept = s3.head_object(Bucket="board", Key=version["Key"], VersionId=version["VersionId"])
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert (kept["ObjectLockRetainUntilDate"] - version["LastModified"]).days >= 3649
    with pytest.raises(s3.exceptions.ClientError):
        s3.delete_object(Bucket="board", Key=version["Key"], VersionId=version["VersionId"])


def test_the_oldest_version_counts_whatever_was_laid_over_it(s3: Any) -> None:
    channel = Bucket("s3://board")
    channel.put("a.txt", TEXT)
    s3.put_object(Bucket="board", Key="a.txt", Body=b"another")
    s3.delete_object(Bucket="board", Key="a.txt")
    channel.put("a.txt", TEXT)
    with pytest.raises(PublishedOtherwise):
        channel.put("a.txt", b"another")


def test_somebody_was_there_before_us(s3: Any) -> None:
    s3.put_object(Bucket="board", Key="a.txt", Body=b"another")
    with pytest.raises(PublishedOtherwise):
        Bucket("s3://board").put("a.txt", TEXT)
    assert len(s3.list_object_versions(Bucket="board")["Versions"]) == 1


def test_a_bucket_that_is_not_there_is_tried_again_later(s3: Any) -> None:
    with pytest.raises(ChannelFailed):
        Bucket("s3://elsewhere").put("a.txt", TEXT)
