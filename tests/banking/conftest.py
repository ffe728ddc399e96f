import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from banking import rails, services
from banking.models import BankAccount, BankTransfer, InboxEvent
from banking.services import inbox, routing
from core import resilience
from core.actor import SYSTEM, actor
from core.ids import new_id
from core.keyring import datakeys
from tests.banking.odfi import Odfi
from tests.banking.sandbox import Bank, Delivery, running
from tests.conftest import Database, MakePerson, PersonForTest
from tests.helpers import give_all_roles
from users.middleware import SESSION_DEVICE
from users.models import Device, User
from wallets.queries import wallet
from wallets.services import Guarded


@pytest.fixture(scope="session")
def shared_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with running(tmp_path_factory.mktemp("sandbox")) as bank:
        yield bank


@pytest.fixture
def bank(shared_bank: Bank) -> Bank:
    """The sandbox, with nothing under way and no failures asked for; our circuit breakers closed."""
    shared_bank.reset()
    resilience.forget_failures()
    return shared_bank


@pytest.fixture
def odfi(bank: Bank, database: Database, settings: Any) -> Odfi:
    """Loads and redemptions go by files from now on, through an empty drop."""
    settings.ODFI_DROP = str(bank.drop)
    return Odfi(database, bank, bank.drop)


@dataclass(frozen=True)
class Linked:
    """A person with a linked bank, and what their worker and their vendors do for them."""

    person: PersonForTest
    account: BankAccount
    database: Database
    bank: Bank

    def load(self, amount: int = 50_00, key: str | None = None) -> BankTransfer:
        return self._row(
            services.request_load(user_id=self.person.id, amount=amount, bank_account=self.account.public_id, key=key).body
        )

    def redeem(self, amount: int = 20_00, key: str | None = None) -> BankTransfer:
        return self._row(
            services.request_redemption(user_id=self.person.id, amount=amount, bank_account=self.account.public_id, key=key).body
        )

    def _row(self, body: dict[str, Any]) -> BankTransfer:
        with actor(self.person.id):
            return BankTransfer.objects.get(public_id=body["id"])

    def submit(self, row: BankTransfer) -> BankTransfer:
        """The worker's next try, as if its time had come."""
        self.database.as_superuser("update banking_banktransfer set due_at = now() where id = %s", [row.pk])
        with self.database.role("worker"):
            services.submit(transfer_id=row.pk)
        return self.fresh(row)

    def refresh(self, row: BankTransfer) -> BankTransfer:
        with self.database.role("worker"):
            services.refresh(transfer_id=row.pk)
        return self.fresh(row)

    def settled_load(self, amount: int = 50_00) -> BankTransfer:
        row = self.submit(self.load(amount))
        self.bank.advance(3)
        row = self.refresh(row)
        assert row.status == "settled"
        return row

    def fresh(self, row: BankTransfer) -> BankTransfer:
        with actor(self.person.id):
            return BankTransfer.objects.get(pk=row.pk)

    def timeline(self, row: BankTransfer) -> list[str]:
        with actor(self.person.id):
            return list(row.moves.order_by("id").values_list("status", flat=True))

    def wallet(self) -> Guarded:
        with actor(self.person.id):
            return wallet(self.person.id)

    def money(self) -> tuple[int, int, int]:
        """Available, pending in, pending out."""
        state = self.wallet()
        return state.available, state.pending_in, state.pending_out


@pytest.fixture
def linked(database: Database, make_person: MakePerson, bank: Bank) -> Callable[..., Linked]:
    """Make a person with a bank; `name` is the bank account's, by which the sandbox is asked for failures."""
    numbers = itertools.count(1)

    def make(*, money: int = 0, name: str = "Everyday", balance: float = 5000) -> Linked:
        person = make_person(f"person{next(numbers)}", money=money)
        token = bank.public_token({"subtype": "checking", "starting_balance": balance, "meta": {"name": name}})
        account = services.link_account(user_id=person.id, public_token=token)
        return Linked(person, account, database, bank)

    return make


@pytest.fixture
def choose(database: Database, staff_member: int) -> Callable[..., None]:
    """Staff choose the rail for a kind of transfer, or for both."""

    def make(rail: str, *kinds: str) -> None:
        with database.role("staff"):
            for kind in kinds or ("load", "redemption"):
                routing.choose_rail(kind=kind, rail=rail, staff_id=staff_member, reason="Support case 4711")

    return make


@pytest.fixture
def deliver(database: Database, api: Any) -> Callable[..., Any]:
    """Hand a vendor's webhook to the product, over HTTP and byte for byte."""

    def post(delivery: Delivery, *, body: bytes | None = None, **headers: str) -> Any:
        signed = {name: value for name, value in delivery.headers.items() if name not in ("Host", "Content-Length")}
        return api.client.generic(
            "POST", delivery.path, delivery.body if body is None else body, "application/json", headers={**signed, **headers}
        )

    return post


@pytest.fixture
def process_inbox(database: Database) -> Callable[[], list[str]]:
    """Let the worker act on every stored message, as if its time had come; the outcomes in order."""

    def process() -> list[str]:
        database.as_superuser("update banking_inboxevent set due_at = now() where processed_at is null")
        with database.role("worker"):
            for event_id in inbox.news(event_ids=inbox.due()):
                inbox.process(event_id=event_id)
            with actor(SYSTEM):
                return list(InboxEvent.objects.order_by("id").values_list("outcome", flat=True))

    return process


@pytest.fixture
def own_rail(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace one of the rail's calls, for answers that no sandbox gives."""

    def replace(name: str, answer: Callable[..., Any]) -> None:
        monkeypatch.setattr(type(rails.dwolla()), name, answer)

    return replace


@pytest.fixture
def browse() -> Callable[[int], Client]:
    """A browser in which this person is logged in."""

    def log_in(user_id: int) -> Client:
        with actor(user_id):
            device = Device(public_id=new_id("dev"), user_id=user_id, name="browser")
            device.save()
        client = Client()
        session = client.session
        session[SESSION_DEVICE] = device.public_id
        session.save()
        return client

    return log_in


@pytest.fixture
def staff_member(database: Database) -> int:
    """A member of the staff, by number."""
    with database.role("worker"), actor(SYSTEM):
        return give_all_roles(User.objects.create(public_id=new_id("usr"), kind=User.STAFF, email="desk@paya.example").pk)


@pytest.fixture
def cold_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No data key stays in memory, as in a process that has just started: each is read as the person whose it is."""
    monkeypatch.setattr(datakeys, "_cached", lambda context, key_id, load: load())
