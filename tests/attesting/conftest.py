"""A small network whose days are attested: people with money, a bank that has said what it holds, folders of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from banking.models import Reconciliation, Statement
from core.actor import SYSTEM, actor
from core.clock import at_time
from core.ids import new_reference
from ledger import services as ledger
from ledger.chart import Account, Kind
from ledger.services import Posting
from payments import services as payments
from tests import one_database
from tests.conftest import Database
from tests.helpers import open_session
from tests.proofs.forge import load_verifier
from transparency import services
from users import services as users
from wallets import services as wallets

as_web, database = one_database.as_web, one_database.database
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Person:
    id: int
    username: str

    @property
    def headers(self) -> dict[str, str]:
        """Logged in now, whatever day the network lives in."""
        return {"Authorization": f"Bearer {open_session(self.id)}"}


@dataclass
class Network:
    """`on(day)` lives a day of the past as the demo loader would; the files of its attestations are in `folder`."""

    database: Database
    folder: Path
    people: dict[str, Person] = field(default_factory=dict)

    @contextmanager
    def on(self, day: int, hour: int = 0) -> Iterator[None]:
        with self.database.role("demo"), at_time(FIRST_DAY + timedelta(days=day, hours=hour)):
            yield

    def join(self, username: str, cents: int = 0) -> Person:
        user_id = self.sign_up(username).id
        users.welcome(user_id=user_id, username=username, display_name=username.title(), default_visibility="public")
        if cents:
            with actor(SYSTEM):
                wallets.mint(user_id=user_id, reference=new_reference(), amount=cents)
        return self.people[username]

    def sign_up(self, username: str) -> Person:
        """Somebody with a wallet, who has yet to choose their name."""
        if username not in self.people:
            user_id = users.sign_up(phone=f"+1212555{1000 + len(self.people):04d}").id
            self.people[username] = Person(user_id, username)
        return self.people[username]

    def bank_says(self, cents: int) -> None:
        with actor(SYSTEM):
            told = Statement.objects.create(custodian="dwolla", origin="rail", closing=cents, complete=True)
            Reconciliation.objects.filter(custodian="dwolla", current=True).update(current=False)
            Reconciliation.objects.create(custodian="dwolla", on=FIRST_DAY.date(), result="clean", statement=told, held=cents)

    def earned(self, cents: int) -> None:
        """Interest of the week, all of it to the pool."""
        ledger.post(Posting(uuid4(), Kind.INTEREST, int(Account.RESERVE_DWOLLA), int(Account.REVENUE), cents))
        ledger.post(Posting(uuid4(), Kind.WEEK_POOL, int(Account.REVENUE), int(Account.REWARDS_POOL), cents))

    def pay(self, payer: str, payee: str, cents: int) -> None:
        payments.pay(payer_id=self.people[payer].id, to=payee, amount=cents, note="", visibility="private", key=None)

    def redeem(self, who: str, cents: int) -> None:
        """Burned, and on its way to the bank."""
        user_id = self.people[who].id
        with actor(SYSTEM):
            wallets.burn(user_id=user_id, reference=new_reference(), amount=cents)
            wallets.add_pending(user_id=user_id, pending_out=cents)

    def attest(self, day: int, hour: int = 0) -> Any:
        with self.on(day, hour):
            return services.attest()

    def texts(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "public").glob("*.txt"))

    def verifier(self) -> Any:
        return load_verifier()


@pytest.fixture
def folders(tmp_path: Path, settings: Any) -> Path:
    settings.PROOFS_FOLDER = str(tmp_path / "proofs")
    settings.ATTESTATION_FOLDER = str(tmp_path / "public")
    settings.ATTESTATION_S3 = ""
    return tmp_path


@pytest.fixture
def network(database: Database, folders: Path) -> Network:
    return Network(database, folders)
