"""How the revenue of a week is divided: pure arithmetic, to the cent.

    revenue - costs + carried in + what was there  =  rewards + operations + what stays + carried out
"""

from dataclasses import dataclass

WHOLE = 10_000  # the operators' share is in hundredths of a percent


@dataclass(frozen=True)
class Split:
    """Cents. `net` may be negative: then nothing is divided and all of it is `carried_out` to the next week."""

    revenue: int
    costs: int
    carried_in: int
    was_there: int
    net: int
    operations: int
    to_pool: int
    pool: int
    carried_out: int


def split_week(*, revenue: int, costs: int, carried_in: int, was_there: int, operations_share: int) -> Split:
    """Divide what a week brought between the operators and the pool; what does not divide evenly goes to the pool.

    `operations_share` is in hundredths of a percent. Raises ValueError for a share or a pool that cannot be.
    """
    if not 0 <= operations_share <= WHOLE or was_there < 0:
        raise ValueError("a share lies between 0 and all of it, and a pool holds no debt")
    net = revenue - costs + carried_in
    divided = max(net, 0)
    operations = divided * operations_share // WHOLE
    to_pool = divided - operations
    return Split(
        revenue, costs, carried_in, was_there, net, operations, to_pool, was_there + to_pool, min(net, 0)
    )
