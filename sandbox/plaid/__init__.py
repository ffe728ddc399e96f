"""Plaid's API, below `/plaid`: Link tokens, Items with accounts of their own, processor tokens, webhooks."""
