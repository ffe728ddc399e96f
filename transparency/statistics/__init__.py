"""Statistics by day: how they come about (days.py), how the service did (health.py), what leaves for elsewhere (export.py)."""
