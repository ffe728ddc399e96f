"""The demo network's people and what happened to them, the same every time. Amounts in cents.

Days count from the first one; the loader maps the last day to today. The story keeps to the rules of a young
account: at most $100.00 loaded in its first week, nothing redeemed in its first two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

DAYS = 34  # the last day is today
SETTLES_WITHIN = 8  # calendar days: three business days, whatever weekends and holidays lie between


@dataclass(frozen=True)
class Person:
    phone: str
    username: str
    display_name: str
    visibility: str
    joins: int
    institution: str


@dataclass(frozen=True)
class Event:
    """Something that somebody does: a load, a payment or a redemption, at a day and minute of the story."""

    day: int
    minute: int
    kind: str
    who: str
    amount: int
    to: str = ""
    note: str = ""
    visibility: str = "public"


FIRST_PLATYPUS, TARTAN, TATTERSALL = "ins_109508", "ins_109511", "ins_109510"

PEOPLE = [
    Person("+12125550101", "maya", "Maya Lindqvist", "public", 0, FIRST_PLATYPUS),
    Person("+12125550102", "theo", "Theo Marchetti", "public", 0, FIRST_PLATYPUS),
    Person("+12065550103", "jonas", "Jonas Weber", "public", 1, TARTAN),
    Person("+12065550104", "lena", "Lena Petrova", "public", 1, FIRST_PLATYPUS),
    Person("+13035550105", "ada", "Ada Nwosu", "public", 2, TATTERSALL),
    Person("+13035550106", "sam", "Sam Okafor", "public", 3, FIRST_PLATYPUS),
    Person("+15035550107", "rosa", "Rosa Delgado", "public", 4, TARTAN),
    Person("+15035550108", "kenji", "Kenji Tanaka", "public", 5, FIRST_PLATYPUS),
    Person("+16175550109", "priya", "Priya Raman", "private", 6, TATTERSALL),
    Person("+16175550110", "omar", "Omar Haddad", "public", 7, FIRST_PLATYPUS),
    Person("+15125550111", "ines", "Inês Carvalho", "public", 9, TARTAN),
    Person("+15125550112", "walt", "Walter Brooks", "public", 11, FIRST_PLATYPUS),
    Person("+12125550113", "noor", "Noor Aziz", "public", 14, TATTERSALL),
    Person("+12065550114", "bea", "Bea Kowalski", "public", 30, FIRST_PLATYPUS),
]

# (who pays, whom, cents, for what): told in this order, from the tenth day to today.
PAYMENTS: list[tuple[str, str, int, str]] = [
    ("maya", "theo", 1850, "pizza friday 🍕"),
    ("jonas", "lena", 2400, "the good bike pump"),
    ("theo", "maya", 600, "coffee, and sorry for being late"),
    ("lena", "ada", 1275, "train tickets"),
    ("ada", "sam", 900, "thank you for Thursday"),
    ("maya", "jonas", 2150, "groceries, your half"),
    ("sam", "rosa", 1500, "empanadas x12 🥟"),
    ("rosa", "maya", 1100, "concert!! 🎶"),
    ("kenji", "sam", 775, "ramen"),
    ("jonas", "kenji", 1800, "climbing gym day pass"),
    ("priya", "ada", 3200, "rent for the studio, second half"),
    ("theo", "rosa", 1320, "flowers for Bea's new place 🌷"),
    ("lena", "jonas", 850, "movie night"),
    ("omar", "kenji", 2600, "board game, split"),
    ("maya", "lena", 1425, "Saturday market, your half 🥕"),
    ("ada", "maya", 500, "the taxi"),
    ("rosa", "omar", 1980, "tacos al pastor 🌮"),
    ("sam", "theo", 650, "laundry money, long story"),
    ("ines", "omar", 1150, "pastéis de nata"),
    ("kenji", "ines", 940, "obrigado pela ajuda!"),
    ("jonas", "ada", 2250, "Werkzeug geliehen, danke"),
    ("walt", "maya", 1700, "dog sitting, Biscuit says hi 🐕"),
    ("theo", "walt", 1235, "firewood"),
    ("lena", "rosa", 780, "спасибо за ужин"),
    ("omar", "noor", 2000, "شكراً على القهوة"),
    ("priya", "maya", 2875, "yoga, November"),
    ("maya", "sam", 1360, "pho & coffee ☕"),
    ("noor", "kenji", 1125, "ピザ代"),
    ("ada", "jonas", 990, "library fine, oops"),
    ("rosa", "lena", 1640, "birthday cake share 🎂"),
    ("walt", "theo", 2500, "gutters. you are a hero"),
    ("ines", "lena", 1290, "vinho verde"),
    ("sam", "ada", 720, "bus money"),
    ("kenji", "maya", 1540, "thank you for the books"),
    ("jonas", "rosa", 680, "ice cream, all three of us"),
    ("omar", "theo", 1875, "poker night (you win again)"),
    ("maya", "walt", 2210, "leaf blower, half"),
    ("theo", "jonas", 560, "parking"),
    ("noor", "ines", 1480, "gift for Lena 🎁"),
    ("lena", "kenji", 1015, "museum"),
    ("ada", "priya", 1960, "camera lens rental"),
    ("rosa", "sam", 835, "hot sauce supply"),
    ("bea", "maya", 1200, "thank you for the welcome dinner"),
    ("maya", "theo", 950, "Saturday market, your half 🥕"),
    ("jonas", "lena", 725, "the other bike pump"),
    ("ada", "sam", 1100, "thank you for Thursday, again"),
    ("rosa", "maya", 1575, "concert tickets arrived!"),
]
# Every so often somebody keeps one between the two of them.
PRIVATE = {3, 10, 17, 22, 33, 40}


def balances_suffice(loads: list[Event], payments: list[Event], redemptions: list[Event]) -> None:
    """Check the story itself: nobody spends what has not surely settled. Raises ValueError."""
    steps = [(event.day + SETTLES_WITHIN, 0, event.who, event.amount) for event in loads]
    for event in [*payments, *redemptions]:
        steps.append((event.day, event.minute, event.who, -event.amount))
        if event.to:
            steps.append((event.day, event.minute + 1, event.to, event.amount))
    held: dict[str, int] = {}
    for day, _, who, amount in sorted(steps, key=lambda step: step[:2]):
        held[who] = held.get(who, 0) + amount
        if held[who] < 0:
            raise ValueError(f"the story lets {who} spend too much on day {day}")


def events() -> Iterator[Event]:
    """All events in order of time."""
    random = Random(20261121)  # noqa: S311  (plausible hours, no secret)
    loads = [Event(p.joins, 600 + 17 * i, "load", p.username, 10_000) for i, p in enumerate(PEOPLE)]
    loads += [
        Event(person.joins + 9 + i % 3, 700 + 13 * i, "load", person.username, 15_000 + 2_500 * (i % 5))
        for i, person in enumerate(PEOPLE[:11])
    ]
    loads.append(Event(DAYS - 1, 560, "load", "theo", 6_000))  # still on its way today
    payments = []
    for index, (who, to, amount, note) in enumerate(PAYMENTS):
        day = 10 + index * (DAYS - 10) // len(PAYMENTS)
        # The last few happen on the last day, so that a fresh network looks alive.
        if index >= len(PAYMENTS) - 4:
            day = DAYS
        day = max(day, next(p.joins for p in PEOPLE if p.username == who) + SETTLES_WITHIN)
        if who == "bea":
            continue  # joined this week: her load has not settled for sure
        visibility = "private" if index in PRIVATE else "public"
        minute = index if day == DAYS else 480 + random.randrange(0, 840)
        payments.append(Event(day, minute, "payment", who, amount, to, note, visibility))
    redemptions = [
        Event(24, 1000, "redeem", "jonas", 4_000),
        Event(27, 1010, "redeem", "ada", 2_500),
        Event(29, 1020, "redeem", "lena", 5_000),
        Event(DAYS - 1, 610, "redeem", "rosa", 3_000),  # on its way today
    ]
    balances_suffice(loads, payments, redemptions)
    return iter(sorted([*loads, *payments, *redemptions], key=lambda event: (event.day, event.minute)))
