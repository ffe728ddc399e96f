#!/usr/bin/env python
"""Django's commands, as the right database role.

With DATABASE_URL set (production, and every process of the stack) that is all there is to know. Without it,
the servers that bin/run has started are found through PAYA_DATA, with the login that fits the command.
Data goes to stdout; whatever there is to say about it goes to stderr.
"""

import sys

from paya.local.errors import StartError
from paya.local.manage import prepare_environment


def main() -> None:
    """Find the database, then let Django take over."""
    try:
        prepare_environment(sys.argv)
    except StartError as error:
        sys.exit(str(error))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
