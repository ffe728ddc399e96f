"""Our own semgrep rules: each finds its failing example, and none finds anything in the product. One run does both."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from paya.local.environment import ROOT
from paya.local.semgrep import OFFLINE, find_semgrep

HERE = Path(__file__).parent
ROOMS = [
    "core", "users", "ledger", "wallets", "compliance", "payments", "banking", "rewards", "transparency", "privacy", "home",
    "console", "paya", "sandbox", "templates", "manage.py",
]  # fmt: skip
EXAMPLES = "tests/semgrep/examples"
RULES = re.findall(r"^  - id: (\S+)", (HERE / "rules.yaml").read_text(), re.MULTILINE)
Finding = tuple[str, str, int]  # rule, file, line


@pytest.fixture(scope="module")
def found() -> set[Finding]:
    done = subprocess.run(
        [find_semgrep(), "scan", *OFFLINE, "--config", HERE / "rules.yaml", "--quiet", "--json", "--no-git-ignore", "-j", "1",
         *ROOMS, EXAMPLES],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "SEMGREP_SEND_METRICS": "off"},
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["errors"] == []
    assert len(report["paths"]["scanned"]) > 400
    return {(one["check_id"].rpartition(".")[2], one["path"], one["start"]["line"]) for one in report["results"]}


def announced(word: str) -> set[Finding]:
    """What the examples say of the line below."""
    return {
        (rule, str(path.relative_to(ROOT)), number + 1)
        for path in sorted((ROOT / EXAMPLES).iterdir())
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for rule in re.findall(rf"\b{word}: ([a-z-]+)", line)
    }


def test_the_product_has_no_finding(found: set[Finding]) -> None:
    assert {finding for finding in found if not finding[1].startswith(EXAMPLES)} == set()


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_finds_its_examples_and_nothing_else_in_them(found: set[Finding], rule: str) -> None:
    bad = {finding for finding in announced("ruleid") if finding[0] == rule}
    assert bad, f"{rule} has no failing example"
    assert {finding for finding in found if finding[0] == rule and finding[1].startswith(EXAMPLES)} == bad
    assert {finding for finding in announced("ok") if finding[0] == rule}, f"{rule} has no example that is right"


def test_examples_name_rules_that_there_are() -> None:
    assert {rule for rule, _, _ in announced("ruleid") | announced("ok")} == set(RULES)
