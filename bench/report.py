"""The table for people and the line of JSON for machines."""

from __future__ import annotations

import json
import operator
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SIGNS = {">=": operator.ge, "<=": operator.le, "<": operator.lt, "==": operator.eq}


@dataclass(frozen=True)
class Target:
    """What a figure should be; missing it is said, and is no error."""

    figure: str
    sign: str
    value: float


def rates_table(rates: Mapping[str, Sequence[float]], unit: str) -> None:
    """Median, lowest and highest round of each side."""
    print(f"\n{'':34}{'median':>10}{'lowest':>10}{'highest':>10}  {unit}, {len(next(iter(rates.values())))} rounds")
    for name, values in rates.items():
        print(f"{name:34}{statistics.median(values):>10,.0f}{min(values):>10,.0f}{max(values):>10,.0f}")


def finish(bench: str, figures: dict[str, Any], targets: Sequence[Target], *, quick: bool, broken: Sequence[str]) -> int:
    """Print the figures beside their targets, then the line of JSON; the exit status."""
    print(f"\n{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}, "
          f"{time.strftime('%Y-%m-%d')}{', --quick' if quick else ''}\n")  # fmt: skip
    wanted = {target.figure: target for target in targets}
    for name, value in figures.items():
        target = wanted.get(name)
        verdict = ""
        if target and value is not None:
            met = _SIGNS[target.sign](value, target.value)
            verdict = f"  target {target.sign} {target.value:g}{'' if met else '   MISSED'}"
        print(f"{name:28}{_shown(value):>12}{verdict}")
    for what in broken:
        print(f"BROKEN: {what}")
    print(json.dumps({"bench": bench, "quick": quick, **figures, "broken": list(broken)}), flush=True)
    return 1 if broken else 0


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
