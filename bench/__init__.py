"""Figures, each measured side by side with what it is compared to, on throwaway servers (docs/performance.md)."""

from __future__ import annotations

import signal


def own_signals() -> None:
    """In a forked process: end quietly when asked to, instead of as the bench itself does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
