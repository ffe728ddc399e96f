"""Rows of this room, one file per concern."""
