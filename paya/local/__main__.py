"""`python -m paya.local COMMAND`: what bin/* become, and the servers alone for development.

run             the whole product (bin/run)
test ARGS       the whole suite (bin/test); arguments go to pytest
bench ARGS      figures (bin/bench)
campaign ARGS   what must be survived (bin/campaign)
dev             PostgreSQL and Redis in the background, for manage.py and pytest by hand (dev --help)
chromium        print the path of a Chromium, installing one where there is none
semgrep         print the path of semgrep, installing it where it is not there
"""

from __future__ import annotations

import sys

from .errors import StartError


def main(argv: list[str]) -> int:
    """Run one command; the answer is the exit status. Each imports only what it needs: starts are quick."""
    command, arguments = argv[0] if argv else "", argv[1:]
    if command == "run" and not arguments:
        from . import stack

        return stack.main()
    if command == "test":
        from . import testing

        return testing.main(arguments)
    if command in ("bench", "campaign"):
        import importlib

        module = {"bench": "bench.main", "campaign": "bench.campaigns.main"}[command]
        return int(importlib.import_module(module).main(arguments))
    if command == "dev":
        from . import dev

        return dev.main(arguments)
    if command == "chromium":
        from . import browser

        print(browser.find_chromium() or "")
        return 0
    if command == "semgrep":
        from . import semgrep

        print(semgrep.find_semgrep())
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StartError as error:
        sys.exit(str(error))
