"""Dwolla's API, below `/dwolla`: customers, funding sources, transfers, webhook subscriptions, in HAL.

Deviations from the real one: a transfer between two banks is a single leg; Labels, mass payments, documents and
beneficial owners are missing.
"""
