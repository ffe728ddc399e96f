"""People who leave, or want to see what is kept about them: a worker beside them, a bank that is there, a clock that moves."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from banking.models import BankAccount, BankItem, BankTransfer
from banking.services import secrets as sealed
from banking.services.transfers import outcomes
from core.actor import SYSTEM, actor
from core.ids import new_reference
from privacy.models import Closing, Export
from privacy.services import closing, exports
from tests.conftest import Database, PersonForTest
from users import services as users
from users.models import Challenge, Device, User
from wallets import services as wallets


@pytest.fixture(autouse=True)
def folder(tmp_path: Any, settings: Any) -> Any:
    settings.EXPORTS_FOLDER = str(tmp_path / "exports")
    settings.EXPORTS_S3 = ""
    settings.OTP_RESEND_SECONDS = 0
    return tmp_path / "exports"


class Stage:
    """What tests of this room do: codes, banks, time, the worker."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def code(self, person: PersonForTest) -> dict[str, str]:
        """A challenge and the code that was sent to the person."""
        asked = users.request_own_code(user_id=person.id, address="203.0.113.9", purpose=users.Purpose.CLOSE)
        return self.codes(asked.challenge)

    def codes(self, challenge: str) -> dict[str, str]:
        """A challenge with its code."""
        from core import keyring
        from users import sealed as phones

        with self.database.role("worker"), actor(SYSTEM):
            row = Challenge.objects.get(public_id=challenge)
            code = keyring.decrypt_system(phones.OTP, phones.CHALLENGE_CODE, row.public_id, row.code_cipher or b"")
        return {"challenge": challenge, "code": code}

    def close(self, person: PersonForTest) -> Closing:
        return closing.close_account(user_id=person.id, device_id=self.device(person), **self.code(person))

    def device(self, person: PersonForTest) -> int:
        with actor(person.id):
            return Device.objects.filter(user_id=person.id).order_by("-id").values_list("id", flat=True)[0]

    def bank(self, person: PersonForTest) -> BankAccount:
        """A linked bank, as a visit to Plaid would have left it."""
        with actor(person.id):
            item = BankItem(user_id=person.id, token_index=uuid.uuid4().bytes, institution="First Platypus Bank", status="active")
            item.item_id, item.institution_id = f"item-{uuid.uuid4()}", "ins_109508"
            item.access_token = sealed.seal_access_token(item, f"access-{uuid.uuid4()}")
            item.save()
            return BankAccount.objects.create(
                user_id=person.id, item=item, account_id=f"acc-{uuid.uuid4()}", name="Plaid Checking", mask="0000",
                kind="checking", source_index=uuid.uuid4().bytes, numbers_index=uuid.uuid4().bytes, is_default=True,
            )  # fmt: skip

    def age(self, days: int) -> None:
        """Everything that has happened so far happened so many days earlier."""
        self.database.as_superuser(f"""
            alter table ledger_transfer disable trigger all; alter table privacy_retention disable trigger all;
            update ledger_transfer set posted_at = posted_at - interval '{days} days';
            update users_user set created_at = created_at - interval '{days} days';
            update banking_banktransfer set settled_at = settled_at - interval '{days} days';
            update banking_bankaccount set close_due_at = null;
            update privacy_closing set closed_at = closed_at - interval '{days} days', due_at = now() - interval '1 second'
                where due_at is not null;
            update privacy_export set asked_at = asked_at - interval '{days} days', ready_at = ready_at - interval '{days} days',
                expires_at = expires_at - interval '{days} days', due_at = due_at - interval '{days} days';
            alter table ledger_transfer enable trigger all; alter table privacy_retention enable trigger all;
        """)

    def limit(self, name: str, value: int) -> None:
        """A limit as it is in real life: the suite's own are wide."""
        self.database.as_superuser(
            "insert into compliance_limit (name, tier, value, effective_at, reason)"
            " values (%s, 1, %s, now() - interval '1 second', 'for this test')", [name, value],
        )  # fmt: skip

    def work(self) -> None:
        """The worker goes through what is due, once; whatever was put off is due now."""
        self.database.as_superuser("update privacy_closing set due_at = now() where state = 'open'")
        with self.database.role("worker"):
            for export in exports.due():
                exports.go_on(export_id=export)
            for one in closing.due():
                closing.advance(closing_id=one)

    def settle(self, person: PersonForTest) -> None:
        """The rail says that everything arrived."""
        with self.database.role("worker"), actor(SYSTEM):
            for transfer in BankTransfer.objects.filter(user_id=person.id, status__in=BankTransfer.OPEN):
                wallets.guard(user_id=person.id)
                locked = BankTransfer.objects.select_for_update().get(pk=transfer.pk)
                outcomes.to_pending(locked, f"ext-{uuid.uuid4()}", cause="test")
                outcomes._settle(locked, cause="test", evidence={})

    def return_redemption(self, person: PersonForTest) -> None:
        """The bank sends the newest settled transfer back."""
        with self.database.role("worker"), actor(SYSTEM):
            wallets.guard(user_id=person.id)
            newest = BankTransfer.objects.filter(user_id=person.id, status="settled").order_by("-id").first()
            assert newest is not None
            outcomes._take_back(newest, code="R02", cause="test", evidence={})

    def load(self, person: PersonForTest, account: BankAccount, amount: int, *, settled: bool = True) -> None:
        from banking.services.transfers.requests import begin

        with actor(person.id):
            wallets.guard(user_id=person.id)
            begin(BankTransfer.Kind.LOAD, user_id=person.id, amount=amount, account=account, rail="dwolla")
        if settled:
            self.settle(person)

    def state(self, person: PersonForTest) -> Closing:
        with self.database.role("worker"), actor(SYSTEM):
            return Closing.objects.filter(user_id=person.id).latest("id")

    def export(self, person: PersonForTest) -> Export:
        with self.database.role("worker"), actor(SYSTEM):
            return Export.objects.filter(user_id=person.id).latest("id")

    def user(self, person: PersonForTest) -> User:
        with self.database.role("worker"), actor(SYSTEM):
            return User.objects.get(pk=person.id)

    def mint(self, person: PersonForTest, amount: int) -> None:
        with self.database.role("worker"), actor(SYSTEM):
            wallets.mint(user_id=person.id, reference=new_reference(), amount=amount)

    def corruption(self) -> list[str]:
        """What the audit of the books finds; where money is missing is another matter."""
        from ledger.audit import audit, registered

        with self.database.role("auditor"):
            return [finding.check for finding in audit(registered())[0] if finding.kind == "corruption"]

    def balances(self) -> dict[str, int]:
        rows = self.database.as_superuser(
            "select k.name, sum(a.balance) from ledger_account a join ledger_accountkind k using (kind) group by 1"
        )
        return {name: int(sum_) for name, sum_ in rows}


MakeStage = Callable[..., Stage]


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


LONG = timedelta(days=2000)


@pytest.fixture
def staff(database: Database) -> int:
    """A member of staff; the answer is their number."""
    from django.test import override_settings

    from console import services

    with (
        database.role("worker"),
        override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]),
    ):
        services.create_staff(
            email="ada@staff.example", roles=services.ROLES, password="correct horse battery", secret=bytes(range(20))
        )
        with actor(SYSTEM):
            return int(User.objects.get(email="ada@staff.example").pk)
