"""The sanctions list as files and names: no database, no Django (docs/compliance.md)."""
