"""`python -m sandbox migrate`, `python -m sandbox runserver`: Django's commands with the sandbox's settings."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"
    execute_from_command_line(["sandbox", *sys.argv[1:]])
