"""What staff do about vendors: hold calls to one, let them through again, and in local runs tell the sandbox what to do."""

import json
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.db import transaction
from redis import RedisError

from core import resilience
from core.errors import NotFound, ServiceUnavailable, ValidationError
from core.staff import call, reason_of

SECONDS = 30


def set_held(*, vendor: str, held: bool, staff_id: int, reason: str) -> None:
    """Ask nothing of a vendor until somebody lets calls through again, or do that. Raises NotFound, ServiceUnavailable."""
    if vendor not in resilience.probed():
        raise NotFound
    with transaction.atomic():
        call("console_vendor_held", [vendor, held, reason_of(reason)], staff_id=staff_id)
        try:
            (resilience.hold if held else resilience.release)(vendor)
        except RedisError as error:  # the record goes with it: nothing was done
            raise ServiceUnavailable("Redis is not there, so nobody would hear of it.") from error


def tell_sandbox(path: str, body: dict[str, Any], *, what: str, staff_id: int, reason: str) -> dict[str, Any]:
    """One of the sandbox's control addresses; its answer. Raises NotFound outside local runs, ValidationError as it says."""
    if not settings.SANDBOX:
        raise NotFound
    with transaction.atomic():
        call("console_sandbox_told", [what, reason_of(reason)], staff_id=staff_id)
        asked = urllib.request.Request(  # noqa: S310  (our own address, from settings)
            f"{settings.SANDBOX_URL}/sandbox/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310  # nosemgrep: call-out-inside-a-transaction
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            raise ValidationError(json.load(error).get("error", "The sandbox refuses that.")) from error
        except OSError as error:
            raise ServiceUnavailable("The sandbox does not answer.") from error
