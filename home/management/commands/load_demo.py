import sys
from typing import Any

from django.core.management.base import BaseCommand

from home.demo.loader import DemoRefused, load


class Command(BaseCommand):
    help = "Fill an empty database with the demo network. Exits 3 when it is not empty."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            load(self.stderr.write)
        except DemoRefused as refusal:
            self.stderr.write(str(refusal))
            sys.exit(3)
