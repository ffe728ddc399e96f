"""Random orders of load, spend, redeem, return, freeze and repayment: the books always add up, and nobody gains by a return.

The rail is a plain ledger of dollars beside ours; what it shows is what our transfers are told. Its news may be told twice,
late or in a wrong order. All the while the reserve is what the bank really has, and each person's net worth (wallet less
debt) is what moved in less what moved out.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from banking import services
from banking.models import BankTransfer
from banking.rails.port import RailTransfer
from banking.services import returns
from banking.services.transfers.outcomes import apply
from core.actor import SYSTEM, actor
from core.errors import PayaError
from ledger import services as ledger
from ledger.chart import Account
from ledger.queries import figures
from payments import services as payments
from tests.banking.conftest import Linked
from tests.conftest import Database
from wallets.services import Freeze, freeze

CODES = ["R01", "R01", "R09", "R02", "R03", "R10", "R16", "R99"]
LEGAL = {  # what a bank can show after what it showed before
    "pending": ["processed", "processed", "failed", "cancelled"],
    "processed": ["failed"],
}
STEPS = 150  # checked after every fifth


class World:
    """People, what their bank did with each of their transfers, and what each should be worth."""

    def __init__(self, people: list[Linked], database: Database, rng: random.Random) -> None:
        self.people, self.database, self.rng = people, database, rng
        self.shown: dict[int, tuple[BankTransfer, str, str]] = {}
        self.worth = {person.person.id: 0 for person in people}
        self.closed: set[int] = set()

    def step(self) -> None:
        person = self.rng.choice(self.people)
        often = [self.load, self.news] * 3
        move = self.rng.choice([*often, self.pay, self.redeem, self.freeze, self.mend, self.mend, self.close])
        try:
            move(person)
        except PayaError:
            """Refused for want of funds, for a freeze, a debt, a blocked bank: then nothing may have happened."""

    # ------------------------------------------------------------------------------------------ what people do
    def load(self, person: Linked) -> None:
        self.begin(person, services.request_load, self.rng.randrange(1, 100_00))

    def redeem(self, person: Linked) -> None:
        amount = self.rng.randrange(1, 60_00)
        self.begin(person, services.request_redemption, amount)
        self.worth[person.person.id] -= amount

    def begin(self, person: Linked, ask: Callable[..., Any], amount: int) -> None:
        user_id, bank = person.person.id, person.account.public_id
        body = ask(user_id=user_id, amount=amount, bank_account=bank, key=None).body
        with actor(user_id):
            row = BankTransfer.objects.get(public_id=body["id"])
        self.shown[row.pk] = (row, "pending", "")
        self.tell(row)

    def pay(self, person: Linked) -> None:
        other = self.rng.choice([each for each in self.people if each is not person])
        amount = self.rng.randrange(1, 60_00)
        to = other.person.username
        payments.pay(payer_id=person.person.id, to=to, amount=amount, note="", visibility="private", key=None)
        self.worth[person.person.id] -= amount
        self.worth[other.person.id] += amount

    def freeze(self, person: Linked) -> None:
        level = self.rng.choice([Freeze.SENDING, Freeze.ALL])
        with self.database.role("worker"):
            freeze(user_id=person.person.id, level=level, reason="test")

    def mend(self, person: Linked) -> None:
        """The person links the bank again, and staff have looked into what came back."""
        self.database.as_superuser(
            "update banking_bankaccount set status = 'active', blocked_by = '', close_due_at = null where user_id = %s",
            [person.person.id],
        )
        self.database.as_superuser(
            "update banking_return set lifted_at = now(), due_at = now() where restricts and lifted_at is null and user_id = %s",
            [person.person.id],
        )
        with self.database.role("worker"):
            for return_id in returns.lifted():
                returns.release(return_id=return_id)
            freeze(user_id=person.person.id, level=Freeze.NONE, reason="")

    def close(self, person: Linked) -> None:
        """An empty account is closed for good; one of the three at most, so that the others go on."""
        held = person.wallet()
        if person is self.people[-1] and not (held.available or held.held or held.owed) and self.rng.random() < 0.5:
            with self.database.role("worker"), actor(SYSTEM):
                ledger.close(account=held.account)
            self.closed.add(person.person.id)

    # ------------------------------------------------------------------------------------------ what the bank does
    def news(self, _: Linked) -> None:
        if not self.shown:
            return
        number = self.rng.choice(list(self.shown))
        row, status, _ = self.shown[number]
        if status == "pending" or (status == "processed" and self.rng.random() < 0.25):
            after = self.rng.choice(LEGAL[status])
            code = self.rng.choice(CODES) if after == "failed" else ""
            self.shown[number] = (row, after, code)
            self.moved(row, status, after)
        for _ in range(self.rng.choice([1, 1, 2])):
            self.tell(row)

    def moved(self, row: BankTransfer, before: str, after: str) -> None:
        """A load counts for the person once it has been processed, a redemption until it came back."""
        if row.is_load:
            self.worth[row.user_id] += {"processed": row.amount}.get(after, -row.amount if before == "processed" else 0)
        elif after in ("failed", "cancelled"):
            self.worth[row.user_id] += row.amount

    def tell(self, row: BankTransfer) -> None:
        _, status, code = self.shown[row.pk]
        news = RailTransfer(f"tr-{row.pk}", status, row.amount, "USD", str(row.rail_key), code)  # type: ignore[arg-type]
        with self.database.role("worker"):
            apply(row.pk, row.user_id, news, cause="test")

    # ------------------------------------------------------------------------------------------ what must be true
    def at_the_bank(self) -> int:
        settled = [row for row, status, _ in self.shown.values() if status == "processed"]
        return sum(row.amount if row.is_load else -row.amount for row in settled)

    def suspense(self) -> int:
        return int(self.database.as_superuser("select balance from ledger_account where id = %s", [int(Account.SUSPENSE)])[0][0])

    def check(self) -> None:
        wallets = {person.person.id: person.wallet() for person in self.people}
        worth = {user: held.available + held.held - held.owed for user, held in wallets.items()}
        still_open = worth.keys() - self.closed
        assert {user: worth[user] for user in still_open} == {user: self.worth[user] for user in still_open}
        # What came in for a closed account waits in suspense, and goes from there when it comes back.
        assert sum(worth.values()) + self.suspense() == sum(self.worth.values())
        assert all(held.available >= 0 and held.owed >= 0 for held in wallets.values())
        with self.database.role("worker"), actor(SYSTEM):
            now = figures()
            open_rows = list(BankTransfer.objects.filter(status__in=BankTransfer.OPEN))
        assert now.reserve == self.at_the_bank()
        owed = sum(held.owed for held in wallets.values())
        assert now.reserve + owed == now.required  # nothing else holds money here: the difference is what people owe
        for user, held in wallets.items():
            mine = [row for row in open_rows if row.user_id == user]
            assert held.pending_in == sum(row.amount for row in mine if row.is_load)
            assert held.pending_out == sum(row.amount for row in mine if not row.is_load)


def run(world: World) -> None:
    for number in range(STEPS):
        world.step()
        if number % 5 == 4:
            world.check()


@pytest.mark.parametrize("seed", range(2))
def test_the_books_add_up_in_any_order(seed: int, linked: Callable[..., Any], database: Database) -> None:
    world = World([linked() for _ in range(3)], database, random.Random(seed))
    run(world)
    statuses = [status for _, status, _ in world.shown.values()]
    late = database.as_superuser("select count(*) from banking_return where late")[0][0]
    assert statuses.count("processed") > 2 and late > 1, "too little happened: no test"  # noqa: PT018


def test_the_check_itself_notices_a_gain(linked: Callable[..., Any], database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: where a return takes nothing back, somebody gains, and the check says so."""
    from banking.services.transfers import outcomes

    monkeypatch.setattr(outcomes.wallets, "claw_back", lambda **_: 0)
    world = World([linked() for _ in range(2)], database, random.Random(1))
    with pytest.raises(AssertionError):
        run(world)
