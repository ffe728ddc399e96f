"""The local stack: one command that brings up PaYa with a real PostgreSQL and a real Redis.

Nothing here imports Django, so that `bin/run` is up quickly, and everything but the database pieces is
standard library only, so that the checks before the first installation can use it.
"""
