"""The decisions of this room, one file per concern."""
