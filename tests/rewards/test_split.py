"""Not a cent appears or vanishes: 10,000 random pools, by every strategy's rule of division."""

import json
from random import Random

import pytest

from core.money import split as largest_remainder
from rewards.split import WHOLE, split_week
from rewards.strategies import STRATEGIES
from tests.conftest import Database

POOLS = 10_000


def random_weeks(seed: int, strategy: str) -> list[tuple[dict[str, int], list[int]]]:
    random = Random(seed)
    weeks = []
    for _ in range(POOLS):
        size = random.choice([0, 1, 2, 3, 7, 30])
        figures = {
            "revenue": random.randrange(0, 10 ** random.randrange(1, 12)),
            "costs": random.randrange(0, 10 ** random.randrange(1, 10)),
            "carried_in": -random.randrange(0, 10 ** random.randrange(1, 8)),
            "was_there": random.randrange(0, 10 ** random.randrange(1, 9)),
            "operations_share": random.choice([0, 3000, WHOLE, random.randrange(WHOLE + 1)]),
        }
        weights = [1] * size if strategy == "equal" else [random.randrange(0, 10 ** random.randrange(1, 15)) for _ in range(size)]
        weeks.append((figures, weights))
    return weeks


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rewards_operations_and_what_stays_are_revenue_and_what_was_there(database: Database, strategy: str) -> None:
    weeks = random_weeks(46, strategy)
    splits = [split_week(**figures) for figures, _ in weeks]
    asked = [{"pool": split.pool, "weights": weights} for split, (_, weights) in zip(splits, weeks, strict=True)]
    rows = database.as_superuser(
        "select rewards_allot((p->>'pool')::bigint, array(select w::bigint from jsonb_array_elements_text(p->'weights') w))"
        " from jsonb_array_elements(%s::jsonb) with ordinality a(p, n) order by n", [json.dumps(asked)],
    )  # fmt: skip
    assert len(rows) == POOLS
    for split, (figures, weights), (amounts,) in zip(splits, weeks, rows, strict=True):
        stays = split.pool - sum(amounts)
        brought = figures["revenue"] - figures["costs"] + figures["carried_in"]
        assert sum(amounts) + split.operations + stays + split.carried_out == brought + figures["was_there"]
        assert stays >= 0
        assert min(amounts, default=0) >= 0
        if len(set(weights)) <= 1:  # equal shares are rounded down; what does not divide evenly stays
            assert amounts == [split.pool // len(weights) if any(weights) else 0] * len(weights)
            assert stays == (split.pool % len(weights) if any(weights) else split.pool)
        else:
            assert amounts == largest_remainder(split.pool, weights)
            assert stays == 0


def test_a_week_that_cost_more_than_it_brought_gives_nothing_and_is_carried_over() -> None:
    split = split_week(revenue=100, costs=150, carried_in=-30, was_there=7, operations_share=3000)
    assert (split.net, split.operations, split.to_pool, split.pool, split.carried_out) == (-80, 0, 0, 7, -80)
    after = split_week(revenue=200, costs=0, carried_in=split.carried_out, was_there=7, operations_share=3000)
    assert (after.net, after.operations, after.to_pool, after.carried_out) == (120, 36, 84, 0)


def test_what_does_not_divide_evenly_goes_to_the_people() -> None:
    split = split_week(revenue=101, costs=0, carried_in=0, was_there=0, operations_share=3000)
    assert (split.operations, split.to_pool) == (30, 71)


@pytest.mark.parametrize("wrong", [{"operations_share": -1}, {"operations_share": WHOLE + 1}, {"was_there": -1}])
def test_what_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a share lies"):
        split_week(**({"revenue": 1, "costs": 0, "carried_in": 0, "was_there": 0, "operations_share": 1} | wrong))
