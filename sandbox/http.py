"""Reading requests strictly: what the vendor files share."""

import base64
import binascii
import json
import secrets
from typing import Any

from django.http import HttpRequest


class BadJson(Exception):
    """The body is not the JSON object it should be."""


def read_json(request: HttpRequest) -> dict[str, Any]:
    """The body as an object; an empty body is an empty object. Raises BadJson."""
    if not request.body.strip():
        return {}
    try:
        body = json.loads(request.body, parse_constant=_refuse)
        json.dumps(body, ensure_ascii=False).encode()  # a lone surrogate could not be stored or shown
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)) from error
    if not isinstance(body, dict):
        raise BadJson("an object is expected")
    if "\\u0000" in request.body.decode(errors="replace"):
        raise BadJson("a NUL character")
    return body


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def basic_credentials(request: HttpRequest) -> tuple[str, str] | None:
    """User and password of a Basic header, or None."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


def known(pair: tuple[str, str], accepted: set[tuple[str, str]]) -> bool:
    """Whether a pair of credentials is accepted, without telling by its time how much of it was right."""
    given = "\0".join(pair).encode()
    matches = [secrets.compare_digest(given, "\0".join(each).encode()) for each in accepted]
    return any(matches)
