"""The OpenAPI document: valid, complete, and true of the running product."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.urls import URLResolver, get_resolver

from tests.stack import Stack, Visitor

FUZZ_SECONDS = "15"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def document(stack: Stack) -> dict[str, Any]:
    answer = stack.call("GET", "/v1/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def _routes(patterns: list[Any], prefix: str = "") -> list[str]:
    """Every address below some patterns, as OpenAPI writes it."""
    found: list[str] = []
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        found += _routes(pattern.url_patterns, path) if isinstance(pattern, URLResolver) else [path]
    return [re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path in found]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()
    with pytest.raises(Exception, match="paths"):
        schemathesis.openapi.from_dict(document | {"paths": []}).validate()


def test_it_knows_every_address_of_the_api(document: dict[str, Any]) -> None:
    ours = {f"/{path}" for path in _routes(get_resolver().url_patterns) if path.startswith("v1/")}
    assert set(document["paths"]) == ours - {"/v1/openapi.json"}


def test_it_says_what_needs_a_token_and_what_a_key(document: dict[str, Any]) -> None:
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    public = {path for (_, path), operation in operations.items() if not operation.get("security")}
    auth = {f"/v1/auth/{name}" for name in ("otp", "token", "refresh", "logout")}
    shown = {"", "/series", "/attestations", "/attestations/{name}", "/chain", "/key"}
    assert public == auth | {"/v1/feed", "/v1/status"} | {f"/v1/transparency{path}" for path in shown}
    keyed = {
        path
        for (_, path), operation in operations.items()
        if any(each["name"] == "Idempotency-Key" and each["required"] for each in operation.get("parameters", []))
    }
    assert keyed == {"/v1/payments", "/v1/loads", "/v1/redemptions", "/v1/withdrawals"}
    assert all("default" in operation["responses"] for operation in operations.values())


def test_the_product_answers_as_it_says(stack: Stack, tmp_path: Path) -> None:
    """Schemathesis asks for everything with what fits and what does not: no 5xx, no answer that is not described."""
    person: Visitor = stack.person(money=500, bank=True)
    run = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{stack.url}/v1/openapi.json",
            "--header", f"Authorization: Bearer {person.token}", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
            "--max-examples", "5", "--max-time", FUZZ_SECONDS, "--seed", "20261121", "--warnings", "off", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "passed" in run.stdout
