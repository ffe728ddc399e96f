"""Copies of people's data in a bucket: encrypted before they get there, and by KMS once more."""

import io
import zipfile
from typing import Any

import pytest

from core.resilience import ProviderDown, ProviderRejected
from privacy import store
from privacy.services import exports
from tests.conftest import MakePerson
from tests.keys.aws import Aws
from tests.keys.conftest import aws as aws  # fixtures
from tests.keys.conftest import aws_server as aws_server
from tests.keys.conftest import new_kms_key
from tests.privacy.conftest import Stage


@pytest.fixture
def bucket(aws: Aws, settings: Any) -> Any:
    client = aws.client("s3")
    client.create_bucket(Bucket="paya-copies")
    settings.EXPORTS_S3 = "s3://paya-copies/people"
    settings.EXPORTS_S3_ENDPOINT = aws.url
    return client


def test_a_copy_goes_there_and_away(bucket: Any, stage: Stage, make_person: MakePerson, settings: Any) -> None:
    ann = make_person("ann")
    exports.ask(user_id=ann.id)
    stage.work()
    export = stage.export(ann)
    kept = bucket.get_object(Bucket="paya-copies", Key=f"people/{export.public_id}")
    assert kept["ServerSideEncryption"] == "aws:kms"
    content = kept["Body"].read()
    assert ann.phone.encode() not in content and not zipfile.is_zipfile(io.BytesIO(content))
    token = exports.token_for(export)
    assert token and zipfile.is_zipfile(io.BytesIO(exports.read(user_id=ann.id, public_id=export.public_id, token=token)))
    stage.age(2)
    stage.work()
    assert stage.export(ann).status == "expired"
    assert "Contents" not in bucket.list_objects_v2(Bucket="paya-copies")
    store.remove(export.public_id)  # again, nothing happens
    assert store.get(export.public_id) is None


def test_the_key_is_ours(bucket: Any, aws: Aws, settings: Any) -> None:
    settings.KMS_KEY = new_kms_key(aws)
    store.put("exp_1", b"x")
    kept = bucket.head_object(Bucket="paya-copies", Key="people/exp_1")
    assert (kept["ServerSideEncryption"], kept["SSEKMSKeyId"]) == ("aws:kms", settings.KMS_KEY)


def test_a_bucket_that_is_away_or_not_there(bucket: Any, stage: Stage, make_person: MakePerson, settings: Any) -> None:
    ann = make_person("ann")
    exports.ask(user_id=ann.id)
    good, settings.EXPORTS_S3 = settings.EXPORTS_S3, "s3://somebody-elses"
    with pytest.raises(ProviderRejected):
        store.put("exp_1", b"x")
    settings.EXPORTS_S3, settings.EXPORTS_S3_ENDPOINT = good, "http://127.0.0.1:1"
    with pytest.raises(ProviderDown):
        stage.work()
    assert stage.export(ann).status == "running"  # and is made anew when it is due again
