"""Proof of liabilities, version 1: a sum tree in two halves over everything that is owed (docs/decisions, PROOFS).

`records` is what is hashed, `streams` the day's secrets, `tree` the building, `paths` the proofs. The verifier shares none
of it: `bin/paya-verify` is one file of its own, and what is built here is checked with it before anything is signed.
"""
