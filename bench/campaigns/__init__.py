"""Campaigns: what PaYa must survive, tried long and hard, each beside its control run (docs/robustness.md)."""
