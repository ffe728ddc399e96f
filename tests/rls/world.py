"""People who have one of everything, so that there is something to find in every address that names a thing."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

from banking.models import BankAccount, BankItem, BankTransfer
from banking.services.secrets import seal_access_token
from compliance.models import Document, Letter
from compliance.services import support
from compliance.services.letters import tell
from core.actor import SYSTEM, actor
from core.ids import new_id
from privacy.services import exports
from tests.conftest import Database, PersonForTest
from users.models import Device


@dataclass(frozen=True)
class Belongings:
    """A person and the ids of their things, by the names that addresses have for them."""

    person: PersonForTest
    ids: dict[str, str]

    def fill(self, route: str) -> str:
        """The address of this person's thing; KeyError for a variable that nobody has said anything about."""
        for name in VARIABLES:
            kind = "redemption" if name == "transfer_id" and "redemptions" in route else name
            route = route.replace(f"<str:{name}>", self.ids.get(kind, "")).replace(f"<int:{name}>", self.ids.get(kind, ""))
        if "<" in route:
            raise KeyError(f"say in tests/rls/world.py what {route} is filled with")
        return route


# Every variable of an address, with where its value comes from: `things` makes one of each for a person.
VARIABLES = (
    "payment", "account_id", "transfer_id", "device", "document_id", "export_id", "week", "year", "letter", "ticket", "dispute",
    "withdrawal",
)  # fmt: skip


def things(database: Database, person: PersonForTest, *, payment: str) -> Belongings:
    """One of everything for this person; `payment` is one that they made."""
    ids = {"payment": payment, "week": "2026-W46", "year": "2026"}
    with database.role("worker"), actor(SYSTEM):
        item = BankItem(
            user_id=person.id, token_index=uuid4().bytes, item_id=uuid4().hex, institution="Bank", status="active"
        )
        item.access_token = seal_access_token(item, "access-nothing")
        item.save(force_insert=True)
        account = BankAccount.objects.create(
            user_id=person.id, item=item, account_id=uuid4().hex, name=f"Checking {person.id}", mask="1234", kind="checking"
        )
        ids["account_id"] = account.public_id
        tell(user_id=person.id, kind="other", title=f"To {person.username}", body="What this is about, in words.")
        ids["letter"] = Letter.objects.filter(user_id=person.id).latest("id").public_id
        document = {"kind": "passport", "media_type": "image/jpeg", "pages": 1, "size": 1, "digest_index": uuid4().bytes}
        ids["document_id"] = Document.objects.create(user_id=person.id, content_key=b"-", **document).public_id
        ids["transfer_id"], ids["redemption"] = (_transfer(person.id, account, kind) for kind in ("load", "redemption"))
    ids["export_id"] = exports.ask(user_id=person.id).public_id
    ids["withdrawal"] = new_id("wd")
    database.as_superuser(
        "insert into compliance_withdrawal (public_id, user_id, amount, bank_account, status)"
        " values (%s, %s, 100, %s, 'cancelled')",
        [ids["withdrawal"], person.id, ids["account_id"]],
    )
    with actor(person.id):
        ids["device"] = Device.objects.filter(user_id=person.id).order_by("id").values_list("public_id", flat=True)[0]
    if payment.startswith("pay_"):
        ids["ticket"] = support.write_ticket(user_id=person.id, subject=f"Of {person.username}", message="Help").public_id
        ids["dispute"] = support.report(user_id=person.id, about=payment, kind="other", message="Odd").public_id
    return Belongings(person, ids)


def _transfer(user_id: int, account: BankAccount, kind: str) -> str:
    row: Any = BankTransfer.objects.create(
        user_id=user_id, public_id=new_id("ld" if kind == "load" else "rd"), bank_account=account, kind=kind, amount=user_id,
        rail="dwolla", expected_on=date(2026, 3, 2),
    )  # fmt: skip
    row.moves.create(user_id=user_id, status="requested", cause="made by hand")
    return str(row.public_id)
