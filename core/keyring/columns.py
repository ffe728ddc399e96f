"""Every encrypted column of the house. Each room registers its own; what is not here would not be re-encrypted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One encrypted column, as its room seals it.

    `field` and `public_id` (a column, or an SQL expression) are what the value is bound to. `owner` is the column of
    the person whose key it is under; `system` instead names the class whose key it is under.
    """

    table: str
    column: str
    field: str
    public_id: str = "public_id"
    owner: str = "user_id"
    system: str = ""


_columns: dict[tuple[str, str], Column] = {}


def register(*columns: Column) -> None:
    """Make encrypted columns known; again, nothing happens."""
    for column in columns:
        _columns[column.table, column.column] = column


def of_people() -> list[Column]:
    return [column for column in _columns.values() if not column.system]


def of_system(name: str) -> list[Column]:
    return [column for column in _columns.values() if column.system == name]


def all_columns() -> list[Column]:
    return list(_columns.values())
