"""`python -m paya.local COMMAND`: the local stack's commands, for bin/* and for development."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .environment import ROOT
from .errors import StartError


def main() -> int:
    """Run one command; the answer is the exit status."""
    parser = argparse.ArgumentParser(prog="python -m paya.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="the whole product (bin/run)")
    dev = commands.add_parser("dev", help="PostgreSQL and Redis in the background, for manage.py and pytest by hand")
    dev.add_argument("--data", type=Path, default=Path(os.environ.get("PAYA_DATA") or ROOT / "var"))
    dev.add_argument("--port", type=int, default=int(os.environ.get("PAYA_PORT") or 8000))
    dev.add_argument("--foreground", action="store_true", help="stay in front until Ctrl-C")
    dev.add_argument("--stop", action="store_true", help="end the servers again")
    options = parser.parse_args()
    try:
        if options.command == "run":
            from . import stack

            return stack.main()
        from . import dev as dev_command

        return dev_command.main(options.data, options.port, foreground=options.foreground, stop=options.stop)
    except StartError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
