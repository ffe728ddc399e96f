import os
from pathlib import Path

import pytest

_STACK_VARIABLES = (
    "PAYA_", "DATABASE_URL", "REDIS_URL", "PLAID_", "DWOLLA_", "STRIPE_", "TWILIO_", "DJANGO_SETTINGS_MODULE",
)  # fmt: skip


@pytest.fixture
def bare_env() -> dict[str, str]:
    """The machine's environment without anything that bin/test has put into it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_STACK_VARIABLES)}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder that PostgreSQL's account can enter, also where the tests run as root."""
    # Under xdist one folder deeper: every one of ours between the temporary root and here.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.name.startswith(("test_", "popen-", "pytest-")):
            folder.chmod(0o711)
    return tmp_path / "data"
