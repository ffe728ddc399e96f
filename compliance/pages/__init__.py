"""The room's pages, one file per concern."""
