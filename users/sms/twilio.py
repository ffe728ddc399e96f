"""Twilio's Messages API, through its own SDK."""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import requests
from django.conf import settings
from requests.exceptions import ConnectTimeout, RequestException
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import MaxRetryError, NewConnectionError

from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

_VENDOR = "https://api.twilio.com"


class _HttpClient(TwilioHttpClient):
    """Sends to TWILIO_BASE_URL what the SDK addresses to the vendor, so that one code asks the sandbox too."""

    def __init__(self, base_url: str, timeout: float) -> None:
        silent = logging.getLogger("paya.twilio.silent")
        silent.disabled = True  # the SDK's own lines quote the phone and the code
        super().__init__(timeout=timeout, logger=silent)
        self._base_url = base_url.rstrip("/")
        if self.session is not None and settings.SANDBOX:
            self.session.trust_env = False  # the sandbox is on this machine, whatever proxy the machine uses

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, self._base_url + url.removeprefix(_VENDOR), *args, **kwargs)


@cache
def _client(base_url: str, account: str, token: str, timeout: float) -> Client:
    return Client(account, token, http_client=_HttpClient(base_url, timeout))


class Twilio:
    name = "twilio"

    def send(self, *, to: str, body: str, reference: str) -> None:
        """See SmsProvider. Twilio knows no key of ours: a repetition would be a second message."""
        _asked(lambda client: client.messages.create(to=to, from_=settings.TWILIO_FROM, body=body))

    def warm_up(self) -> None:
        """See SmsProvider."""
        _ours().messages  # noqa: B018  (each part of the API is a module that is imported when it is named)

    def ping(self) -> None:
        """Ask for our own account, which costs nothing; raises as `send` does."""
        _asked(lambda client: client.api.accounts(settings.TWILIO_ACCOUNT_SID).fetch())


def _ours() -> Client:
    return _client(
        settings.TWILIO_BASE_URL, settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.VENDOR_TIMEOUT_SECONDS
    )


def _asked(call: Callable[[Client], object]) -> None:
    """Make one call by the SDK; its errors become ours."""
    try:
        call(_ours())
    except TwilioRestException as error:
        raise _refusal(error) from error
    except RequestException as error:
        raise _broken(error) from error


def _refusal(error: TwilioRestException) -> Exception:
    """An error that Twilio words itself means that there is no message; a gateway in between cannot know."""
    if error.status in (502, 504):
        return ProviderUnknown(f"twilio answered {error.status}")
    if error.status == 429 or error.status >= 500:
        return ProviderDown(f"twilio answered {error.status}")
    return ProviderRejected(str(error.code or error.status))


def _broken(error: RequestException) -> Exception:
    """Nothing was sent when no connection came about; after that, nobody knows."""
    reason = getattr(error.args[0], "reason", None) if error.args and isinstance(error.args[0], MaxRetryError) else None
    refused = isinstance(error, requests.ConnectionError) and isinstance(reason, NewConnectionError)
    if isinstance(error, ConnectTimeout) or refused:
        return ProviderDown("twilio cannot be reached")
    return ProviderUnknown("twilio did not answer")
