"""Figures, each measured side by side with what it is compared to, on throwaway servers (docs/performance.md)."""
