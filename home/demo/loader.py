"""Live through the story: the product's own services, a given clock, and the sandbox bank walking along."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import requests
from django.conf import settings

from banking import services as banking
from banking.models import BankTransfer
from banking.reconciliation import services as reconciliation
from core.actor import SYSTEM, actor
from core.clock import at_time, now
from home.demo import asked, desk, frozen, held, known, leaving, reviews, story
from payments import services as payments
from rewards import services as rewards
from transparency import services as attestations
from transparency.errors import AlreadyAttested
from transparency.statistics import days
from users import services as users


class DemoRefused(Exception):
    """Why the demo cannot be loaded, in one sentence."""


class Bank:
    """The sandbox's control addresses: its calendar, its webhooks, and new public tokens."""

    def __init__(self) -> None:
        if not settings.SANDBOX:
            raise DemoRefused("The demo network needs the sandbox; this process has none.")

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(settings.SANDBOX_URL + path, json=body, timeout=30)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    def webhooks(self, mode: str) -> None:
        self._post("/sandbox/webhooks", {"mode": mode})

    def book(self, kind: str, cents: int) -> None:
        """Interest on what lies there, or a fee."""
        self._post("/sandbox/bank/book", {"kind": kind, "cents": cents})

    def walk_to(self, day: date) -> bool:
        """Move the bank's calendar; whether anything settled or failed on the way."""
        moved = self._post("/sandbox/bank/date", {"date": day.isoformat()})
        return bool(moved["settled"] or moved["failed"])

    def public_token(self, institution: str) -> str:
        body = {"institution_id": institution, "initial_products": ["auth"]}
        credentials = {"client_id": settings.PLAID_CLIENT_ID, "secret": settings.PLAID_SECRET}
        answer = self._post("/plaid/sandbox/public_token/create", body | credentials)
        return str(answer["public_token"])


class Loader:
    def __init__(self, say: Callable[[str], None]) -> None:
        self.bank = Bank()
        self.say = say
        self.end = now().replace(second=0, microsecond=0)
        self.first = (self.end - timedelta(days=story.DAYS)).date()
        self.people: dict[str, int] = {}
        self.accounts: dict[str, str] = {}
        self.open: list[int] = []
        self.earnings = list(story.EARNINGS)

    def moment(self, day: int, minute: int) -> datetime:
        """A minute of the story's day. What happens on the last day happened in the last two hours."""
        if day >= story.DAYS:
            return self.end - timedelta(minutes=3 + 17 * (story.LAST_HOURS - 1 - minute))
        midnight = self.end.replace(hour=0, minute=0) - timedelta(days=story.DAYS - day)
        return midnight + timedelta(minutes=minute)

    def run(self) -> None:
        started = time.monotonic()
        self.bank.webhooks("paused")
        by_day: dict[int, list[story.Event]] = {}
        for event in story.events():
            by_day.setdefault(event.day, []).append(event)
        for day in range(story.DAYS + 1):
            self._begin_day(day)
            for event in by_day.get(day, []):
                with at_time(self.moment(event.day, event.minute)):
                    self._live(event)
        with at_time(self.end):
            rewards.estimate()
        known.tell(self.people, self.end)
        held.tell(self.people, self.end)
        reviews.tell(self.people, self.end)
        frozen.tell(self.people, self.accounts, self.end)
        asked.tell(self.people, self.end)
        leaving.tell(self.end)
        desk.tell(self.people, self.end)
        # Whatever the bank wanted to tell was seen already, by asking.
        self.bank.webhooks("discard")
        count = sum(len(events) for events in by_day.values())
        self.say(f"{len(self.people)} people, {count} events in {time.monotonic() - started:.1f} s")

    def _begin_day(self, day: int) -> None:
        with at_time(self.end - timedelta(hours=4, minutes=1) if day == story.DAYS else self.moment(day, 0)):
            rewards.close_due()
            rewards.advance()
        if day > story.DAYS - story.ATTESTED_DAYS:
            self._attest(self.end - timedelta(hours=4) if day == story.DAYS else self.moment(day, 1))
        if self.bank.walk_to(self.first + timedelta(days=day)):
            with at_time(self.moment(min(day, story.DAYS - 1), 420) if day < story.DAYS else self.end - timedelta(hours=3)):
                self._settle()
        if day < story.DAYS and (self.first + timedelta(days=day)).weekday() == story.PAYDAY:
            self._earn(self.moment(day, 430))
        for index, person in enumerate(story.PEOPLE):
            if person.joins == day:
                with at_time(self.moment(day, 540 + 7 * index)):
                    self._join(person)

    def _attest(self, at: datetime) -> None:
        """Compare with the bank, then attest the day; just after midnight the last one is the day before, which is done."""
        with at_time(at):
            reconciliation.reconcile(custodian="dwolla")
            with suppress(AlreadyAttested):
                attestations.attest()

    def _earn(self, at: datetime) -> None:
        """What the bank paid and took in a week stands on its statement, and is booked from there."""
        if self.earnings:
            interest, fee = self.earnings.pop(0)
            self.bank.book("interest", interest)
            self.bank.book("fee", fee)
            with at_time(at):
                reconciliation.reconcile(custodian="dwolla")

    def _join(self, person: story.Person) -> None:
        user_id = users.sign_up(phone=person.phone).id
        users.welcome(
            user_id=user_id,
            username=person.username,
            display_name=person.display_name,
            default_visibility=person.visibility,
        )
        linked = banking.link_account(user_id=user_id, public_token=self.bank.public_token(person.institution))
        self.people[person.username] = user_id
        self.accounts[person.username] = linked.public_id

    def _live(self, event: story.Event) -> None:
        user_id = self.people[event.who]
        if event.kind == "payment":
            payments.pay(
                payer_id=user_id, to=event.to, amount=event.amount, note=event.note, visibility=event.visibility, key=None
            )
            return
        request = banking.request_load if event.kind == "load" else banking.request_redemption
        answer = request(user_id=user_id, amount=event.amount, bank_account=self.accounts[event.who], key=None)
        with actor(SYSTEM):
            transfer = BankTransfer.objects.values_list("id", flat=True).get(public_id=answer.body["id"])
        banking.submit(transfer_id=transfer)
        self.open.append(transfer)

    def _settle(self) -> None:
        """Ask about every transfer that is still on its way, as the poller would."""
        for transfer in self.open:
            banking.refresh(transfer_id=transfer)
        with actor(SYSTEM):
            pending = BankTransfer.objects.filter(id__in=self.open, status=BankTransfer.Status.PENDING)
            self.open = list(pending.order_by("id").values_list("id", flat=True))


def load(say: Callable[[str], None]) -> None:
    """Fill an empty database with the demo network. Raises DemoRefused when it is not empty."""
    from users.models import User

    with actor(SYSTEM):
        if User.objects.filter(kind=User.PERSON).exists():
            raise DemoRefused("The database is not empty, so the demo network was not loaded.")
    Loader(say).run()
    days.catch_up()  # the charts have their past from the first minute on
