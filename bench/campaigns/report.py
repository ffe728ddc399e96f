"""What a campaign found: a table for people, then one line of JSON."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """Filled while a campaign runs. `broken` holds what should never have happened, one sentence each."""

    campaign: str
    short: bool
    seed: int
    figures: dict[str, Any] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)
    passed_controls: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        print(f"{self.campaign}: seed {self.seed}", flush=True)

    def figure(self, name: str, value: Any) -> None:
        self.figures[re.sub(r"\W+", "_", name)] = value
        print(f"  {name:<44}{value:>12}   ({time.monotonic() - self.started:.0f} s)", flush=True)

    def must_be(self, name: str, value: Any, wanted: Any) -> None:
        """A figure of which only one value is right."""
        self.figure(name, value)
        if value != wanted:
            self.broken.append(f"{name} is {value} and must be {wanted}")

    def control(self, without: str, *, failed: bool, how: str) -> None:
        """The same without a protection: it must have failed, and `how` says what it looked like."""
        self.controls[without] = how
        if not failed:
            self.passed_controls.append(without)
        print(f"  control, {without}: {how}{'' if failed else '   DID NOT FAIL'}", flush=True)

    def finish(self) -> int:
        """The exit status, after the last words."""
        for what in self.broken:
            print(f"BROKEN: {what}")
        failed = bool(self.controls) and not self.passed_controls
        line = {
            "campaign": self.campaign, "short": self.short, "seed": self.seed, **self.figures,
            "control_failed": failed, "controls": self.controls, "broken": self.broken,
            "seconds": round(time.monotonic() - self.started, 1),
        }  # fmt: skip
        print(json.dumps(line), flush=True)
        return 0 if failed and not self.broken else 1
