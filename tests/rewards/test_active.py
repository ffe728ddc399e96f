"""Who was active: the database's answer for a whole week beside a plain search from each payment."""

from datetime import datetime, timedelta
from random import Random

import pytest

from tests.conftest import Database
from tests.rewards import network
from tests.rewards.network import at, pay, pay_all, people

Payment = tuple[int, int, datetime]
DAY = timedelta(hours=24)


def leads_back(payments: list[Payment], of: Payment, longest: int, within: timedelta) -> bool:
    """Whether a path of at most `longest` further payments, each later than the one before, leads from payee to payer in time."""
    payer, payee, begun = of

    def search(where: int, when: datetime, steps: int) -> bool:
        return any(
            to == payer or (steps > 1 and search(to, moment, steps - 1))
            for who, to, moment in payments
            if who == where and when < moment <= begun + within
        )

    return search(payee, begun, longest)


def counted(
    payments: list[Payment], start: datetime, end: datetime, longest: int, within: timedelta
) -> dict[int, tuple[int, int]]:
    """Payer to (payments in the week, those of them that count)."""
    result: dict[int, tuple[int, int]] = {}
    for payment in payments:
        if start <= payment[2] < end:
            made, good = result.get(payment[0], (0, 0))
            result[payment[0]] = (made + 1, good + (not leads_back(payments, payment, longest, within)))
    return result


def asked(
    database: Database, start: datetime, end: datetime, longest: int = 3, within: timedelta = DAY
) -> dict[int, tuple[int, int]]:
    rows = database.as_superuser(
        "select w.user_id, p.payments, p.counted from rewards_payers(%s, %s, %s, %s) p join wallets_wallet w using (account)",
        [start, end, longest, within],
    )
    return {user: (payments, good) for user, payments, good in rows}


def random_payments(random: Random, who: list[int], start: datetime) -> list[Payment]:
    """Few people who pay each other a lot, before, in and after the week; some at one moment, one who is paid by many."""
    some = random.sample(who, random.randrange(3, len(who)))
    length = random.choice([6, 40, 220])  # hours: everything circles, some does, little does
    moments = [start + timedelta(minutes=15 * random.randrange(-40, 4 * length)) for _ in range(30)]
    made = []
    for _ in range(random.randrange(4, 60)):
        payer, payee = random.sample(some, 2)
        if random.random() < 0.3:
            payee = some[0] if payer != some[0] else some[1]
        made.append((payer, payee, random.choice(moments)))
    return made


def test_the_week_as_a_set_says_what_a_search_from_each_payment_says(database: Database) -> None:
    random = Random(20261109)
    who = people(database, 9, money=0)
    circular = 0
    for number in range(60):
        start = network.START - timedelta(weeks=4 * (number + 2))  # a month each, so that they do not see each other
        end = start + timedelta(days=7)
        payments = random_payments(random, who, start)
        pay_all(database, payments)
        longest, within = random.choice([1, 2, 3, 3, 3]), timedelta(hours=random.choice([1, 24, 24, 72]))
        expected = counted(payments, start, end, longest, within)
        assert asked(database, start, end, longest, within) == expected, (number, longest, within)
        circular += sum(made - good for made, good in expected.values())
    assert circular > 300  # or it would not have tried much


@pytest.mark.parametrize(
    ("hours", "counts"),
    [
        ([1], False), ([24], False), ([24.001], True),
        ([1, 2], False), ([2, 1], True), ([1, 2, 3], False), ([1, 3, 2], True), ([1, 2, 24.001], True), ([1, 2, 3, 4], True),
        ([1, 1], True),
    ],
)  # fmt: skip
def test_the_border_cases_of_the_definition(database: Database, hours: list[float], counts: bool) -> None:
    """A pays the first of a chain, and the chain leads back to A in so many steps, so many hours after."""
    a, *others = people(database, len(hours) + 1, money=0)
    begun = at(6, 23.5)  # the chain ends in the next week: it counts all the same
    chain = [*others, a]
    made = [(a, others[0], begun)]
    made += [(chain[i], chain[i + 1], begun + timedelta(hours=h)) for i, h in enumerate(hours)]
    pay_all(database, made)
    assert asked(database, network.START, network.END)[a] == (1, int(counts))


@pytest.mark.parametrize("longest", [1, 2, 3])
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_longer_way_back_than_the_rules_name_does_not_matter(database: Database, longest: int, steps: int) -> None:
    a, *others = people(database, steps + 1, money=0)
    chain = [a, *others, a]
    pay_all(database, [(chain[i], chain[i + 1], at(3, 1 + i)) for i in range(steps + 1)])
    assert asked(database, network.START, network.END, longest)[a] == (1, int(steps > longest))


def test_any_amount_leads_back_and_a_payment_out_of_a_hold_is_its_owners(database: Database) -> None:
    a, b, c, d = people(database, 4)
    pay(database, a, b, at(1, 1), 50_00)
    pay(database, b, a, at(1, 2), 1)
    pay(database, c, d, at(1, 3), held=True)
    found = asked(database, network.START, network.END)
    assert found[a] == (1, 0)
    assert found[b] == (1, 1)
    assert found[c] == (1, 1)


def test_somebody_whom_everybody_pays_and_who_pays_everybody_is_no_slower(database: Database) -> None:
    """A shop with as many customers as suppliers, some of whom are both: as many pairs as would make a million paths."""
    shop, *others = people(database, 801, money=0)
    made = [(one, shop, at(2, 8) + timedelta(seconds=i)) for i, one in enumerate(others[:500])]
    made += [(shop, one, at(2, 9) + timedelta(seconds=i)) for i, one in enumerate(others[300:])]
    pay_all(database, made)
    found = asked(database, network.START, network.END)
    back = set(others[300:500])
    assert {one for one in others[:500] if found[one] == (1, 0)} == back
    assert found[shop] == (500, 500)


@pytest.mark.parametrize("busy", ["the payee pays many", "many pay the payer"])
@pytest.mark.parametrize("back", [True, False])
def test_a_long_way_back_is_found_from_the_quieter_end(database: Database, busy: str, back: bool) -> None:
    a, b, c, d, *many = people(database, 64, money=0)
    made = [(a, b, at(1, 1)), (b, c, at(1, 3)), (c, d, at(1, 4))] + [(d, a, at(1, 5))] * back
    made += [(b, one, at(1, 2)) if busy == "the payee pays many" else (one, a, at(1, 2)) for one in many]
    pay_all(database, made)
    assert asked(database, network.START, network.END)[a] == (1, int(not back))
