"""Errors as problem documents, and logs that tell no tales."""

import ast
import io
import json
import logging
from pathlib import Path

import psycopg2
import pytest
from django.db import DatabaseError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf

from core import errors, logs
from core.problems import as_paya_error, problem


def subclasses(cls: type[errors.PayaError]) -> list[type[errors.PayaError]]:
    return [one for sub in cls.__subclasses__() for one in (sub, *subclasses(sub))]


def test_every_error_of_the_product_has_a_code_a_status_and_words():
    found = [cls for cls in subclasses(errors.PayaError) if not cls.__module__.startswith("tests")]
    assert len(found) > 25
    for cls in found:
        assert cls.code.replace("_", "").isalpha() and cls.code.islower(), cls
        assert 400 <= cls.status < 600, cls
        assert cls.title[0].isupper() and not cls.title.endswith("."), cls


def test_a_problem_document_has_what_clients_rely_on():
    error = errors.RateLimited("Wait.", retry_after=7, fields={"phone": "Too often."}, limit="day")
    token = logs.request_id.set("req_test")
    try:
        response = problem(error)
    finally:
        logs.request_id.reset(token)
    assert response.status_code == 429
    assert response["Retry-After"] == "7"
    assert response["Content-Type"] == "application/problem+json"
    document = json.loads(response.content)
    assert document == {
        "type": "https://paya.example/problems/rate_limited", "title": "Too many tries", "status": 429, "code": "rate_limited",
        "detail": "Wait.", "request_id": "req_test", "limit": "day", "errors": {"phone": "Too often."},
    }  # fmt: skip
    assert problem(errors.Unauthenticated())["WWW-Authenticate"].startswith("Bearer")


def failure(cls: type[psycopg2.Error], code: str) -> DatabaseError:
    """A database error as Django hands it on; psycopg2's own pgcode is read-only."""

    class Coded(cls):  # type: ignore[misc, valid-type]
        pgcode = code

    error = DatabaseError("words that nobody outside may read")
    error.__cause__ = Coded()
    return error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (drf.ValidationError({"amount": ["No."]}), 400, "validation_error"),
        (drf.ParseError("Not JSON."), 400, "validation_error"),
        (drf.NotAuthenticated(), 401, "unauthenticated"),
        (drf.PermissionDenied(), 403, "forbidden"),
        (Http404(), 404, "not_found"),
        (drf.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (drf.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (failure(psycopg2.Error, "55P03"), 503, "service_unavailable"),
        (failure(psycopg2.Error, "40P01"), 503, "service_unavailable"),
        (OperationalError("connection lost"), 503, "service_unavailable"),
    ],
)
def test_what_other_peoples_exceptions_become(error: Exception, status: int, code: str):
    known = as_paya_error(error)
    assert known is not None
    assert (known.status, known.code) == (status, code)
    assert "nobody outside" not in known.detail


def test_a_bug_is_no_typed_error_and_a_missing_actor_is_a_bug():
    assert as_paya_error(ValueError("bug")) is None
    assert as_paya_error(failure(psycopg2.Error, "23505")) is None
    with pytest.raises(errors.NoActor):
        as_paya_error(failure(psycopg2.Error, "PY001"))


# ----------------------------------------------------------------------------------------------------------- logs
def logged(name: str, message: str, *args: object, **extra: object) -> dict[str, object]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    log = logging.Logger(name)  # noqa: LOG001
    log.addHandler(handler)
    token = logs.request_id.set("req_12345678")
    try:
        try:
            raise ValueError("phone +12125550100 in an exception's text")
        except ValueError:
            log.error(message, *args, exc_info=bool(extra.pop("exc", False)), extra=extra)
    finally:
        logs.request_id.reset(token)
    assert stream.getvalue().count("\n") == 1
    line: dict[str, object] = json.loads(stream.getvalue())
    return line


def test_a_log_line_is_one_object_with_the_request_and_allowed_fields_alone():
    line = logged("paya.x", "payment_done", payment="pay_1", status=201, phone="+12125550100", note="secret", amount=5)
    assert line["message"] == "payment_done"
    assert line["request_id"] == "req_12345678"
    assert (line["payment"], line["status"], line["level"]) == ("pay_1", 201, "error")
    assert not {"phone", "note", "amount"} & line.keys()
    assert "2125550100" not in json.dumps(line)


def test_an_exceptions_own_words_are_left_out_and_its_place_is_kept():
    line = logged("paya.x", "broke", exc=True)
    assert line["exception"] == "ValueError"
    assert any("test_errors_and_logs" in place for place in line["stack"])  # type: ignore[attr-defined]
    assert "2125550100" not in json.dumps(line)


def test_other_peoples_loggers_cannot_name_a_phone():
    line = logged("twilio.http", "POST to=%s", "+12125550100")
    assert "2125550100" not in json.dumps(line)


def test_nor_a_link_that_lets_somebody_in():
    line = logged("django.request", "Internal Server Error: %s", f"/admin/join/{'aB-_' * 10}xyz/")
    assert line["message"] == "Internal Server Error: /admin/join/####/"


def names_of_extras(source: str) -> set[str]:
    """What `extra={"name": …}` names in a source; an extra that is made elsewhere has no names here."""
    keywords = (keyword for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) for keyword in node.keywords)
    dicts = (keyword.value for keyword in keywords if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict))
    return {key.value for one in dicts for key in one.keys if isinstance(key, ast.Constant)}


def test_whatever_the_product_logs_beside_its_words_is_written():
    """A name that is not allowed is left out without a word: better to find that out here than on the night it is needed."""
    here = Path(logs.__file__).parent.parent
    rooms = [path.parent for path in here.glob("*/apps.py")]
    named = {file.relative_to(here): names_of_extras(file.read_text()) for room in rooms for file in room.rglob("*.py")}
    assert sum(map(len, named.values())) > 40
    assert {file: names - logs.ALLOWED for file, names in named.items() if names - logs.ALLOWED} == {}


def test_control_an_extra_without_leave_is_found():
    assert names_of_extras('log.info("x", extra={"phone": phone, "code": 1})') - logs.ALLOWED == {"phone"}
