"""What every API view builds on: strict JSON in, problem documents out, cursor pages, amounts in cents."""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions as drf
from rest_framework import parsers, permissions, renderers, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import errors
from core.idempotency import Answer
from core.identity import Session
from core.money import MAX_AMOUNT
from core.problems import as_paya_error, problem

MAX_DEPTH = 20
# Marks on one character; living scripts need three or four, more of them paint over other people's lines.
MAX_MARKS = 6
# Marks that turn a line's direction round, and the two that break it: they let one text pose as another.
# Letters and signs that paint nothing: Hangul's fillers, the empty Braille cell.
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_TRICKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def problem_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's exception handler: every refusal becomes a problem document in this one place."""
    known = as_paya_error(error)
    if known is None:
        return None
    if isinstance(error, drf.UnsupportedMediaType):  # some views take a form with a file
        known.detail = f"Send {' or '.join(parser.media_type for parser in context['view'].parser_classes)}."
    response = problem(known)
    if isinstance(error, drf.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


# -------------------------------------------------------------------------------------------------- JSON in, out
class StrictJSONParser(parsers.JSONParser):
    """JSON as the RFC has it and no more: an object, no duplicate keys, no NaN, no lone surrogates, no deep nest."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        try:
            value = json.loads(stream.read().decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise drf.ParseError("The body is not valid JSON.") from error
        if not isinstance(value, dict):
            raise drf.ParseError("The body must be a JSON object.")
        _check_values(value, MAX_DEPTH)
        return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _check_values(value: Any, depth: int) -> None:
    if depth == 0:
        raise drf.ParseError("The body is nested too deeply.")
    if isinstance(value, str) and any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise drf.ParseError("The body holds half a surrogate pair.")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_values(key, depth)
            _check_values(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check_values(inner, depth - 1)


class JSONRenderer(renderers.JSONRenderer):
    charset = None


class Serializer(serializers.Serializer[Any]):
    """Checks the shape of a request; decisions are the services'."""


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT})
class Cents(serializers.Field[int, int, int, Any]):
    """A positive amount in cents; with `zero`, none at all is one. A string, a float or a boolean is no amount."""

    def __init__(self, *, zero: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zero = zero

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Amounts are whole numbers of cents.")
        if data < 0 or (data == 0 and not self.zero):
            raise serializers.ValidationError("The amount must be above zero.")
        if data > MAX_AMOUNT:
            raise serializers.ValidationError("The amount is too large.")
        return data

    def to_representation(self, value: int) -> int:
        return value


def list_of(item: type[Serializer]) -> type[Serializer]:
    """The serializer of a page of items, for the API's description."""
    fields = {"data": item(many=True), "next_cursor": serializers.CharField(allow_null=True)}
    return type(item.__name__.replace("Serializer", "ListSerializer"), (Serializer,), fields)


def has_control(text: str) -> bool:
    """Whether a text holds what does not belong into one line of it, towers of combining marks included."""
    kinds = [unicodedata.category(c) for c in text]
    tower = any(all(kind in ("Mn", "Me") for kind in kinds[i : i + MAX_MARKS + 1]) for i in range(len(kinds) - MAX_MARKS))
    return tower or any(kind in ("Cc", "Cs") or c in _TRICKS for kind, c in zip(kinds, text, strict=True))


def is_visible(text: str) -> bool:
    """Whether there is anything to see: a letter, a figure, a sign, punctuation."""
    return any(unicodedata.category(c)[0] in "LNPS" and c not in _BLANKS for c in text)


def read_day(text: str) -> date:
    """A day written like 2026-03-01, and in no other way that ISO 8601 knows. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


class Day(serializers.DateField):
    """A day of the calendar, as `read_day` reads it."""

    def to_internal_value(self, value: Any) -> date:
        try:
            return read_day(value)
        except (TypeError, ValueError) as error:
            raise serializers.ValidationError("A day is written like 2026-03-01.") from error


class Text(serializers.CharField):
    """A string that was a string in JSON, without control characters."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("This must be a string.")
        if has_control(data):
            raise serializers.ValidationError("Control characters are not allowed here.")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """A boolean that was one in JSON; "false" and 0 are none."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("This must be true or false.")
        return data


class IsPerson(permissions.BasePermission):
    """Logged in as a person; views that anybody may call say so themselves."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, Session):
            raise errors.Unauthenticated
        return True


def validated(serializer: type[Serializer], request: Request) -> dict[str, Any]:
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    data: dict[str, Any] = checked.validated_data
    return data


def session_of(request: Request | HttpRequest) -> Session:
    user = getattr(request, "user", None)
    if not isinstance(user, Session):
        raise errors.Unauthenticated
    return user


def answered(answer: Answer) -> HttpResponse:
    """An idempotent answer, byte for byte as it was stored."""
    return HttpResponse(answer.text, status=answer.status, content_type="application/json")


# -------------------------------------------------------------------------------------------------------- pages
def encode_cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"1:{position}".encode()).decode().rstrip("=")


def decode_cursor(text: str) -> int:
    """The position in a cursor; raises ValidationError for anything that this API did not hand out."""
    try:
        version, number = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode().split(":")
        position = int(number)
        if version != "1" or encode_cursor(position) != text or not 0 <= position < 2**63:
            raise ValueError(text)
    except (ValueError, binascii.Error, UnicodeError) as error:
        raise errors.ValidationError(fields={"cursor": "This cursor is not one of ours."}) from error
    return position


def page_params(params: Mapping[str, str]) -> tuple[int | None, int]:
    """`cursor` (decoded, None at the start) and `limit` (1-100, 20 by default) of a list request."""
    text = params.get("limit", "20")
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise errors.ValidationError(fields={"limit": "The limit is a number from 1 to 100."})
    cursor = params.get("cursor")
    return (decode_cursor(cursor) if cursor is not None else None), int(text)


def page(rows: list[Any], limit: int, position: Callable[[Any], int], show: Callable[[Any], Any]) -> Response:
    """The answer of a list whose query asked for limit + 1 rows; the extra one tells that there are more."""
    more = len(rows) > limit
    rows = rows[:limit]
    return Response({
        "data": [show(row) for row in rows],
        "next_cursor": encode_cursor(position(rows[-1])) if more else None,
    })  # fmt: skip
