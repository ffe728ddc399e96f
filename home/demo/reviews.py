"""What compliance has to look at in the demo network: flags, open and closed cases, and a name that is like one of a list.

The list is invented, and so is what is said of people: its flags stand beside those that the story's own movements raise.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from compliance.sanctions.sdn import Entry
from compliance.services import cases, flags, sanctions
from core.actor import SYSTEM, actor
from core.clock import at_time

LISTED = [
    Entry(9001, "individual", "NOVAK, Tomas Andrej", "DEMO", "", "DOB 04 Mar 1961; invented", ["NOVAK, Tomek"], ["Atlantis"]),
    Entry(9002, "individual", "ZARKHOV, Emil Anton", "DEMO", "", "DOB 01 Jan 1957; invented"),
    Entry(9003, "individual", "VELTRI QUINONEZ, Marisol", "DEMO", "Treasurer", "invented"),
    Entry(9004, "entity", "ORBELAX TRADING COMPANY", "DEMO", "", "invented", ["ORBELAX LTD."]),
    Entry(9005, "vessel", "DREVIN STAR", "DEMO", "", "IMO 0000000; invented"),
]


def tell(people: Mapping[str, int], end: datetime) -> None:
    """Everything that has to be looked at, before somebody opens the site for the first time."""

    def flag(who: str, rule: str, days: float, **detail: object) -> None:
        moment = end - timedelta(days=days)
        with at_time(moment), actor(SYSTEM):
            flags.raise_flag(rule=rule, user_id=people[who], at=moment, detail=detail)

    flag("bea", "many_senders", 12.2, senders=11, cents=264_00)
    with at_time(end - timedelta(days=11)), actor(SYSTEM):
        cases.close_about(
            kind="flag", user_id=people["bea"], about="", outcome="no_action", label="legitimate",
            result="Friends paid their share of a housewarming present. All of them have known her for weeks.",
        )  # fmt: skip
    flag("max_power", "load_sent_on", 5.1, loaded=100_00, sent=95_00, minutes=14, to=people["june"])
    flag("otis", "repeat_recipient", 1.4, payments=6, cents=81_00)
    flag("otis", "habit", 1.3, sent=140_00, usual=14_75, payments=9)
    flag("leila", "private_only", 2.5, payments=10)
    with at_time(end):
        flags.look()
    with at_time(end - timedelta(hours=20)):
        sanctions.import_list(entries=LISTED)
        sanctions.screen()
    with at_time(end - timedelta(days=4)), actor(SYSTEM):
        cases.open_case(
            kind="review", user_id=people["pete"], about="", priority=cases.LOW,
            summary="Asks why a load takes so long, from an e-mail that we do not know",
        )  # fmt: skip
        cases.close_about(
            kind="review", user_id=people["pete"], about="", outcome="watched", label="unclear",
            result="Nobody answered our question. The account has not been used since; to be looked at again if it is.",
        )  # fmt: skip
