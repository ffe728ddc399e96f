"""The demo network's people and what happened to them, the same every time. Amounts in cents.

Days count from the first one; the loader maps the last day to today. The story keeps to the rules of a young
account: at most $100.00 loaded in its first week, nothing redeemed in its first two.
"""

from dataclasses import dataclass
from random import Random

DAYS = 42  # six weeks; the last day is today
ATTESTED_DAYS = 10  # the last of them; today is one
SETTLES_WITHIN = 8  # calendar days: three business days, whatever weekends and holidays lie between

# What the bank paid the network in each of its weeks, and what it took, on its Thursdays.
PAYDAY = 3
EARNINGS = [(1_180, 90), (1_640, 140), (2_075, 210), (2_390, 180), (2_810, 260), (3_155, 240)]


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
    Person("+13035550106", "sam", "Sam Okafor", "public", 2, FIRST_PLATYPUS),
    Person("+15035550107", "rosa", "Rosa Delgado", "public", 3, FIRST_PLATYPUS),
    Person("+15035550108", "kenji", "Kenji Tanaka", "public", 4, TARTAN),
    Person("+16175550109", "priya", "Priya Raman", "private", 5, FIRST_PLATYPUS),
    Person("+16175550110", "omar", "Omar Haddad", "public", 6, TATTERSALL),
    Person("+15125550111", "ines", "Inês Carvalho", "public", 7, FIRST_PLATYPUS),
    Person("+15125550112", "walt", "Walter Brooks", "public", 7, FIRST_PLATYPUS),
    Person("+12125550113", "noor", "Noor Aziz", "public", 8, TARTAN),
    Person("+12125550114", "bea", "Bea Kowalski", "public", 9, FIRST_PLATYPUS),
    Person("+12065550115", "dario", "Dario Conti", "public", 9, TATTERSALL),
    Person("+12065550116", "mei", "Mei Chen", "public", 10, FIRST_PLATYPUS),
    Person("+13035550117", "hank", "Hank Sullivan", "public", 11, FIRST_PLATYPUS),
    Person("+13035550118", "zoe", "Zoë van Dijk", "public", 12, TARTAN),
    Person("+15035550119", "tomas", "Tomáš Novák", "public", 12, FIRST_PLATYPUS),
    Person("+15035550120", "aisha", "Aisha Bello", "public", 13, TATTERSALL),
    Person("+16175550121", "finn", "Finn Gallagher", "public", 14, FIRST_PLATYPUS),
    Person("+16175550122", "lucia", "Lucía Romero", "public", 15, FIRST_PLATYPUS),
    Person("+15125550123", "pete", "Pete Yazzie", "public", 16, TARTAN),
    Person("+15125550124", "hana", "Hana Kim", "public", 17, FIRST_PLATYPUS),
    Person("+12125550125", "marcus", "Marcus Reed", "public", 18, TATTERSALL),
    Person("+12125550126", "sofia", "Sofia Andersson", "public", 18, FIRST_PLATYPUS),
    Person("+12065550127", "raj", "Raj Malhotra", "public", 19, FIRST_PLATYPUS),
    Person("+12065550128", "greta", "Greta Holm", "public", 20, TARTAN),
    Person("+13035550129", "eli", "Eli Goldberg", "public", 21, FIRST_PLATYPUS),
    Person("+13035550130", "nia", "Nia Thompson", "public", 22, TATTERSALL),
    Person("+15035550131", "pablo", "Pablo Fuentes", "public", 23, FIRST_PLATYPUS),
    Person("+15035550132", "yuki", "Yuki Sato", "public", 24, FIRST_PLATYPUS),
    Person("+16175550133", "carla", "Carla Mendes", "public", 25, TARTAN),
    Person("+16175550134", "otis", "Otis Freeman", "private", 26, FIRST_PLATYPUS),
    Person("+15125550135", "ivy", "Ivy Nguyen", "public", 27, TATTERSALL),
    Person("+15125550136", "bruno", "Bruno Costa", "public", 29, FIRST_PLATYPUS),
    Person("+12125550137", "leila", "Leila Farahani", "private", 31, FIRST_PLATYPUS),
    Person("+12125550138", "max_power", "Max Powell", "public", 33, TARTAN),
    Person("+12065550139", "june", "June Whitehorse", "public", 36, FIRST_PLATYPUS),
    Person("+12065550140", "ravi", "Ravi Iyer", "public", 38, TATTERSALL),
]

# What payments are for, in the words of the people who made them.
NOTES = [
    "pizza friday 🍕", "the good bike pump", "coffee, and sorry for being late", "train tickets", "thank you for Thursday",
    "groceries, your half", "empanadas x12 🥟", "concert!! 🎶", "ramen", "climbing gym day pass", "movie night",
    "flowers for Bea's new place 🌷", "board game, split", "Saturday market, your half 🥕", "the taxi", "tacos al pastor 🌮",
    "laundry money, long story", "pastéis de nata", "obrigado pela ajuda!", "Werkzeug geliehen, danke", "firewood",
    "dog sitting, Biscuit says hi 🐕", "спасибо за ужин", "شكراً على القهوة", "yoga, November", "pho & coffee ☕",
    "ピザ代", "library fine, oops", "birthday cake share 🎂", "gutters. you are a hero", "vinho verde", "bus money",
    "thank you for the books", "ice cream, all three of us", "poker night (you win again)", "leaf blower, half", "parking",
    "gift for Lena 🎁", "museum", "camera lens rental", "hot sauce supply", "concert tickets arrived!", "the other bike pump",
    "guitar strings", "sushi, worth it 🍣", "campsite deposit ⛺", "haircut", "two sacks of soil", "your share of the kayak",
    "breakfast burritos", "for the potluck", "soccer cleats", "piano tuning, finally", "bánh mì run", "gas to the lake",
    "vet bill, thank you so much 🐈", "knitting wool", "chess club dues ♟️", "mended jacket", "the last of the rent",
    "cinnamon buns", "ужин вкусный, спасибо", "merci pour le dépannage", "jalapeños and lime", "moving help + beers",
    "new tires, first part", "lightbulbs", "class trip", "ramen again", "thank you for Thursday, again",
]  # fmt: skip
AMOUNTS = [450, 500, 680, 725, 850, 900, 1125, 1200, 1360, 1475, 1640, 1800, 1975, 2250, 2400, 3150]
LAST_HOURS = 6  # payments on the last day, so that a fresh network looks alive


def balances_suffice(loaded: list[Event], paid: list[Event], redeemed: list[Event]) -> None:
    """Check the story itself: nobody spends what has not surely settled. Raises ValueError."""
    steps = [(event.day + SETTLES_WITHIN, 0, event.who, event.amount) for event in loaded]
    for event in [*paid, *redeemed]:
        steps.append((event.day, event.minute, event.who, -event.amount))
        if event.to:
            steps.append((event.day, event.minute + 1, event.to, event.amount))
    held: dict[str, int] = {}
    for day, _, who, amount in sorted(steps, key=lambda step: step[:2]):
        held[who] = held.get(who, 0) + amount
        if held[who] < 0:
            raise ValueError(f"the story lets {who} spend too much on day {day}")


def loads() -> list[Event]:
    """$100.00 in the first days of each account, more from the second week on."""
    first = [Event(p.joins, 600 + 7 * i, "load", p.username, 10_000) for i, p in enumerate(PEOPLE)]
    later = [
        Event(p.joins + 9 + i % 3, 600 + 11 * i, "load", p.username, 15_000 + 2_500 * (i % 5))
        for i, p in enumerate(PEOPLE)
        if p.joins + 12 < DAYS
    ]
    return [*first, *later, Event(DAYS - 1, 560, "load", "theo", 6_000)]  # theo's is still on its way today


def redemptions() -> list[Event]:
    """From the third week of an account on; rosa's is on its way today."""
    asked = [(26, "jonas", 4_000), (29, "ada", 2_500), (31, "lena", 5_000), (34, "sam", 1_500), (37, "mei", 2_000)]
    return [Event(day, 1000, "redeem", who, amount) for day, who, amount in asked] + [
        Event(DAYS - 1, 610, "redeem", "rosa", 3_000)
    ]


def payments(random: Random) -> list[Event]:
    """A few a day between neighbours in the list of people, out of money that has surely settled by then."""
    spendable: dict[str, int] = {}
    told: list[Event] = []
    for day in range(SETTLES_WITHIN + 1, DAYS + 1):
        for event in loads():
            if event.day + SETTLES_WITHIN + 1 == day:
                spendable[event.who] = spendable.get(event.who, 0) + event.amount
        here = [p.username for p in PEOPLE if p.joins < day]
        minutes = range(LAST_HOURS) if day == DAYS else sorted(random.sample(range(480, 1380), 3 + day // 8))
        for minute in minutes:
            amount = random.choice(AMOUNTS)
            # Half of what a person has surely stays theirs, for the redemptions and for a rainy day.
            payers = [who for who in here if spendable.get(who, 0) >= 2 * amount + 2_000]
            if payers:
                who = random.choice(payers)
                index = here.index(who)
                near = [name for name in here[max(0, index - 4) : index + 5] if name != who]
                visibility = "private" if random.random() < 0.12 else "public"
                note = NOTES[len(told) * 7 % len(NOTES)]
                told.append(Event(day, minute, "payment", who, amount, random.choice(near), note, visibility))
                spendable[who] -= amount
    return told


def events() -> list[Event]:
    """All events in order of time, the same ones each time."""
    told = payments(Random(20261121))  # noqa: S311  (plausible hours, no secret)
    balances_suffice(loads(), told, redemptions())
    return sorted([*loads(), *told, *redemptions()], key=lambda event: (event.day, event.minute))
