"""docs/security.md: what it names is there, and no attack in its table is without a test and a control."""

import re

from django.conf import settings

LINES = (settings.BASE_DIR / "docs" / "security.md").read_text().splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if line.startswith("| ")][1:]


def test_every_attack_has_a_test_and_a_control() -> None:
    assert len(ROWS) >= 30
    for row in ROWS:
        attack, against, tests, control = row
        assert attack and against
        assert "tests/" in tests or "bin/campaign" in tests or tests == "as above" or "the same files" in tests, attack
        assert len(control) > 5, attack


def test_the_tests_that_it_names_are_there() -> None:
    named = {name for line in LINES for name in re.findall(r"`(tests/[\w/.]+)`", line)}
    assert len(named) >= 30
    assert [name for name in sorted(named) if not (settings.BASE_DIR / name).exists()] == []
