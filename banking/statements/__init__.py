"""What custodians say they hold for us: statements, and readers of the files that banks send."""

from banking.statements.model import Fault, Line, Statement

__all__ = ["Fault", "Line", "Statement"]
