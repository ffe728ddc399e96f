"""By what the pool is shared. A strategy gives each active person a weight; how a pool is divided by weights is one function.

Both live in the database, beside the million rows that they are about (sql/0001_rewards.sql): `rewards_weigh_<name>` weighs,
`rewards_allot` divides, by the largest remainder or rounded down for equal shares. A new strategy is one such function, a line
here, and its name in the constraint of the settings.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Strategy:
    name: str
    title: str
    words: str  # how the pool is shared, as people read it
    equal: bool = False  # shares are rounded down, and what is left over stays in the pool


STRATEGIES = {
    strategy.name: strategy
    for strategy in (
        Strategy("equal", "Equal shares", "in equal shares; what does not divide evenly stays in the pool", equal=True),
        Strategy(
            "balance_days", "By balance and days",
            "by balance and time: a dollar that stays in a wallet all week counts seven times as much as one that stays a day",
        ),
        Strategy("payments_made", "By payments made", "by how many payments that count each person made"),
    )
}  # fmt: skip
