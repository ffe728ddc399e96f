"""Identity documents in a bucket: encrypted by KMS, and sealed before they get there."""

from typing import Any

import pytest

from compliance.documents import store as stored
from core.resilience import ProviderDown, ProviderRejected
from tests.keys.aws import Aws
from tests.keys.conftest import new_kms_key


@pytest.fixture
def bucket(aws: Aws, settings: Any) -> stored.Store:
    aws.client("s3").create_bucket(Bucket="paya-documents")
    settings.DOCUMENTS_S3 = "s3://paya-documents/people"
    settings.DOCUMENTS_S3_ENDPOINT = aws.url
    settings.DOCUMENTS_KMS_KEY = new_kms_key(aws)
    return stored.store()


def test_what_lies_there_is_encrypted_twice(bucket: stored.Store, aws: Aws, settings: Any) -> None:
    key = stored.new_key()
    bucket.put("doc_1", stored.seal(key, "doc_1", b"a passport"))
    bucket.put("doc_1", stored.seal(key, "doc_1", b"a passport"))
    kept = aws.client("s3").get_object(Bucket="paya-documents", Key="people/doc_1")
    assert kept["ServerSideEncryption"] == "aws:kms"
    assert kept["SSEKMSKeyId"] == settings.DOCUMENTS_KMS_KEY
    assert b"passport" not in kept["Body"].read()
    assert stored.unseal(key, "doc_1", bucket.get("doc_1")) == b"a passport"
    bucket.remove("doc_1")
    bucket.remove("doc_1")
    with pytest.raises(stored.Gone):
        bucket.get("doc_1")


def test_a_bucket_that_is_away_or_not_there(bucket: stored.Store, settings: Any) -> None:
    settings.DOCUMENTS_S3 = "s3://somebody-elses"
    with pytest.raises(ProviderRejected):
        stored.store().put("doc_1", b"x")
    settings.DOCUMENTS_S3_ENDPOINT = "http://127.0.0.1:1"
    with pytest.raises(ProviderDown):
        bucket.put("doc_1", b"x")
