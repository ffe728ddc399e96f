"""Keys under test: each test has a database and a key file of its own, and may have KMS."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import keyring, resilience
from tests.keys.aws import Aws, running


@pytest.fixture(scope="session")
def aws_server() -> Iterator[Aws]:
    with running() as server:
        yield server


@pytest.fixture
def aws(aws_server: Aws, settings: Any, monkeypatch: Any) -> Iterator[Aws]:
    """An empty AWS account that the product's settings point at."""
    aws_server.reset()
    resilience.forget_failures()
    given = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PAYA_KMS_ENDPOINT": aws_server.url,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings.AWS_REGION = "us-east-1"
    settings.KMS_ENDPOINT = settings.SNS_ENDPOINT = aws_server.url
    yield aws_server
    resilience.forget_failures()


@pytest.fixture
def kms(aws: Aws, settings: Any, monkeypatch: Any) -> Aws:
    """KMS wraps what is new, by the key behind alias/paya."""
    point_alias(aws, new_kms_key(aws))
    settings.KMS_KEY = "alias/paya"
    monkeypatch.setenv("PAYA_KMS_KEY", "alias/paya")
    keyring.forget_cached_keys()
    return aws


def new_kms_key(aws: Aws) -> str:
    return str(aws.client("kms").create_key()["KeyMetadata"]["Arn"])


def point_alias(aws: Aws, arn: str) -> None:
    client = aws.client("kms")
    known = [alias["AliasName"] for alias in client.list_aliases()["Aliases"]]
    (client.update_alias if "alias/paya" in known else client.create_alias)(AliasName="alias/paya", TargetKeyId=arn)


@pytest.fixture(autouse=True)
def key_file(tmp_path: Path, settings: Any, monkeypatch: Any) -> Path:
    """A copy of the suite's key file, which may be rotated without harm."""
    path = tmp_path / "keys.json"
    shutil.copy(os.environ["PAYA_KEY_FILE"], path)
    path.chmod(0o600)
    settings.KEY_FILE = str(path)
    monkeypatch.setenv("PAYA_KEY_FILE", str(path))
    return path
