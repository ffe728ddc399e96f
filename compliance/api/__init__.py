"""The room in the API, one file per concern."""
