"""bandit over the product. A line that ruff was told about under the same rule (`noqa: S…`, with its reason) counts as told."""

import json
import re
import subprocess
import sys
from pathlib import Path

from paya.local.environment import ROOT
from tests.semgrep.test_rules import ROOMS

# As ruff ignores them in pyproject.toml, with the reasons there; and mark_safe, of which our own rule knows more.
SKIPPED = "B101,B105,B106,B107,B404,B603,B606,B607,B608,B308,B703"
# Chance that is no secret: the demo's story is the same each time.
PLAY = {("B311", "home/demo/story.py")}
EXAMPLE = """
import pickle, subprocess, hashlib
def load(text, name):
    subprocess.run("ls " + name, shell=True)
    eval(name)
    hashlib.md5(text)
    return pickle.loads(text)
"""


def findings(*targets: str) -> set[tuple[str, str, int]]:
    command = [sys.executable, "-m", "bandit", "-q", "-r", "-f", "json", "-s", SKIPPED, *targets]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["errors"] == []
    return {(one["test_id"], one["filename"], one["line_number"]) for one in report["results"]}


def was_told(rule: str, line: str) -> bool:
    noted = re.search(r"noqa: ([A-Z0-9, ]+)", line)
    return noted is not None and rule.replace("B", "S", 1) in noted[1]


def test_bandit_finds_nothing_that_nobody_has_looked_at(tmp_path: Path) -> None:
    example = tmp_path / "example.py"
    example.write_text(EXAMPLE)
    found = findings(*[room for room in ROOMS if room != "templates"], str(example))
    # The failing example, in the same run.
    assert {rule for rule, path, _ in found if path == str(example)} >= {"B602", "B307", "B324", "B301"}
    unseen = {
        finding for finding in found
        if finding[1] != str(example) and finding[:2] not in PLAY
        and not was_told(finding[0], (ROOT / finding[1]).read_text().splitlines()[finding[2] - 1])
    }  # fmt: skip
    assert unseen == set()
