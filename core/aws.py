"""AWS through boto3: one client per service, short waits, no retries of its own, and what its errors mean."""

import threading
from functools import cache
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)
from django.conf import settings

from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

CONNECT_SECONDS = 2.0
_THROTTLED = {"Throttling", "ThrottlingException", "ThrottledException", "Throttled", "LimitExceededException"}
_NO_CONNECTION = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, SSLError)
_making = threading.Lock()


def client(service: str, *, endpoint: str = "", read_seconds: float = 5.0) -> Any:
    """The client of a service, in AWS_REGION. Without `endpoint` boto3 finds it, AWS_ENDPOINT_URL_* included."""
    with _making:  # boto3's default session may be used by one thread at a time; a client by any number
        return _client(service, settings.AWS_REGION, endpoint or None, read_seconds)


@cache
def _client(service: str, region: str, endpoint: str | None, read_seconds: float) -> Any:
    import boto3  # here, because it takes half a second and most processes never need it
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"total_max_attempts": 1},
        proxies={} if endpoint else None,
    )
    return boto3.client(service, region_name=region, endpoint_url=endpoint, config=config)


def meaning(service: str, error: ClientError | BotoCoreError) -> Exception:
    """A failed call as ProviderDown, ProviderUnknown or ProviderRejected with AWS's own code."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if status in (502, 504):  # a gateway in between cannot know
            return ProviderUnknown(f"{service} answered {status}")
        if status == 429 or status >= 500 or code in _THROTTLED:
            return ProviderDown(f"{service} answered {status}")
        return ProviderRejected(code or str(status))
    if isinstance(error, _NO_CONNECTION):
        return ProviderDown(f"{service} cannot be reached")
    if isinstance(error, HTTPClientError):
        return ProviderUnknown(f"{service} did not answer")
    return ProviderDown(f"{service} was not asked: {type(error).__name__}")  # no credentials, no region: nothing left us
