"""The sandbox's weather: what goes wrong by itself, at set rates."""

import pytest
import requests

from tests.sandbox.harness import Sandbox


def test_rates_are_set_shown_and_cleared(sandbox: Sandbox) -> None:
    address = f"{sandbox.url}/sandbox/chaos"
    try:
        shown = requests.post(address, json={"error": 1.0, "seconds": 0.1}, timeout=5).json()
        assert (shown["error"], shown["drop"]) == (1.0, 0.0)
        assert requests.get(address, timeout=5).json() == shown
        assert requests.get(f"{sandbox.url}/dwolla/", timeout=5).status_code == 500
        requests.post(address, json={"busy": 1.0}, timeout=5)
        assert requests.get(f"{sandbox.url}/stripe/v1/balance", timeout=5).status_code == 429
        requests.post(address, json={"drop": 1.0}, timeout=5)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{sandbox.url}/dwolla/", timeout=5)
    finally:
        requests.post(address, json={}, timeout=5)
    assert requests.get(f"{sandbox.url}/dwolla/", timeout=5).status_code != 500


@pytest.mark.parametrize("body", [
    {"error": 1.1}, {"error": -0.1}, {"error": "x"}, {"error": True}, {"seconds": 31}, {"rain": 0.1},
    {"error": 0.6, "drop": 0.6}, {"lost": 0.9, "late": 0.2},
])  # fmt: skip
def test_what_are_no_rates_is_refused(sandbox: Sandbox, body: dict[str, object]) -> None:
    answer = requests.post(f"{sandbox.url}/sandbox/chaos", json=body, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]
