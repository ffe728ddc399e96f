"""Finding things by what staff have in hand, and the figures of the first page."""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model
from django.urls import reverse

from banking.models import BankTransfer as Transfers
from banking.models import IdentityCheck
from banking.return_rates import ReturnRate, return_rates
from banking.services import secrets as sealed
from banking.services.routing import chosen_rail
from console.models import (
    Appeal,
    BankTransfer,
    Break,
    Case,
    Ceiling,
    Dispute,
    Flag,
    Freeze,
    Hit,
    InboxEvent,
    NachaEntry,
    NachaFile,
    NachaIncoming,
    NachaLine,
    OutboxRow,
    Payment,
    Person,
    PersonAppeal,
    Reconciliation,
    RewardRun,
    Ticket,
    Transfer,
    Wallet,
    Withdrawal,
)
from console.queues import queues
from core import clock, keyring
from core.errors import ValidationError
from core.resilience import Health
from ledger.chart import Personal
from ledger.queries import Figures, figures, trial_balance
from transparency.status import lines
from users import phones, usernames
from users.models import User

_BY_PREFIX: dict[str, type[Model]] = {
    "usr": Person, "wal": Wallet, "pay": Payment, "ld": BankTransfer, "rd": BankTransfer, "brk": Break,
    "ach": NachaEntry, "nf": NachaFile, "ni": NachaIncoming, "apl": Appeal, "cas": Case, "flg": Flag, "hit": Hit,
    "tkt": Ticket, "app": PersonAppeal, "dsp": Dispute,
    "frz": Freeze, "wd": Withdrawal,
}  # fmt: skip


def permissions() -> dict[str, set[str]]:
    """What staff may do, and which roles may."""
    with connection.cursor() as cursor:
        cursor.execute("select action, array_agg(role) from console_permission group by action order by action")
        return {action: set(roles) for action, roles in cursor.fetchall()}


def legal_names(question: str, key: str, user_id: int) -> list[str]:
    """What the database gives of this person's legal names (to whoever may), opened."""
    with connection.cursor() as cursor:
        cursor.execute(question, [key])
        found = cursor.fetchall()
    return [_opened(IdentityCheck(user_id=user_id, public_id=check, legal_name=bytes(blob))) for check, blob in found]


def _opened(check: IdentityCheck) -> str:
    try:
        return sealed.legal_name_of(check)
    except keyring.DecryptionFailed:
        return "erased"


@dataclass(frozen=True)
class Used:
    """What a member of staff has asked for, or approved, today (UTC), in cents."""

    staff: str
    used: int


def ceiling_use(ceiling: Ceiling) -> list[Used]:
    """What each member who has the ceiling's role has used today, most first."""
    with connection.cursor() as cursor:
        cursor.execute("select staff, used from console_ceiling_use(%s, %s)", [ceiling.role, ceiling.action])
        return [Used(*row) for row in cursor.fetchall()]


def looks_like_phone(term: str) -> bool:
    """Whether somebody means a phone by this; such a thing is never put into an address."""
    return bool(re.fullmatch(r"\+?[\d\s().\-•]{7,20}", term.strip()))


def find(term: str) -> Model | None:
    """The one thing that goes by this: a phone, @username, public id, or reference of a journal row."""
    term = term.strip()
    if looks_like_phone(term):
        return person_by_phone(term)
    model = _BY_PREFIX.get(term.partition("_")[0])
    if model is not None and (found := model._default_manager.filter(pk=term).first()):
        return found
    try:
        return Transfer.objects.filter(pk=uuid.UUID(term)).first()
    except ValueError:
        return Person.objects.filter(username=usernames.normalise(term)).first() if "\x00" not in term else None


def person(term: str) -> Person | None:
    """The person that a term in any search box means, or None."""
    found = find(term)
    if isinstance(found, Wallet):
        return Person.objects.filter(pk=found.person_id).first()
    return found if isinstance(found, Person) else None


def people_of(term: str) -> list[int] | None:
    """Whose numbers a term names exactly: a person, both sides of a payment, whose bank transfer, wallet, case, freeze or bank
    account (by its last four digits) it is. None where it has to be a name."""
    if re.fullmatch(r"\d{4}", term):
        with connection.cursor() as cursor:
            cursor.execute("select console_people_by_mask(%s)", [term])
            return [row[0] for row in cursor.fetchall()]
    found = find(term)
    if found is None:
        return None
    if isinstance(found, Payment):
        return [found.payer_id, found.payee_id]
    whose = getattr(found, "user_id", None)
    return None if whose is None else [whose]


def person_by_phone(typed: str) -> Person | None:
    """Through the blind index: the number itself is nowhere."""
    try:
        index = keyring.phone_index(phones.parse(typed))
    except ValidationError:
        return None
    with connection.cursor() as cursor:
        cursor.execute("select console_person_by_phone(%s)", [index])
        public_id = cursor.fetchone()[0]
    return Person.objects.filter(pk=public_id).first() if public_id else None


def phone_hint(someone: Person) -> str:
    """ "•••• 0142"; empty when their key was destroyed."""
    cipher = User.objects.filter(pk=someone.user_id).values_list("phone_cipher", flat=True).get()
    try:
        return phones.hint(keyring.decrypt_for(someone.user_id, "users_user.phone", someone.id, bytes(cipher or b"")))
    except keyring.DecryptionFailed:
        return ""


def accounts_of(wallet: Wallet) -> list[int]:
    return [wallet.account, wallet.hold_account, wallet.receivable_account]


def system_account_rows(name: str) -> list[int]:
    """The rows of a system account by its name: one, or its stripes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select a.id from ledger_systemaccount s join ledger_account a on ledger_logical(a.id) = s.id where s.name = %s",
            [name],
        )
        return [row[0] for row in cursor.fetchall()]


def bank_accounts(user_id: int) -> list[dict[str, Any]]:
    """A person's bank accounts as the person sees them, and how well the bank's account holder fits the person (0 to 100)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select a.public_id, i.institution, a.name, a.mask, a.status, a.created_at, d.name_score, d.phone_score"
            " from banking_bankaccount a join banking_bankitem i on i.id = a.item_id"
            " left join banking_bankidentity d on d.account_id = a.id where a.user_id = %s order by a.id",
            [user_id],
        )
        names = ["id", "institution", "name", "mask", "status", "created_at", "name_score", "phone_score"]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def stopped_at(user_id: int) -> list[str]:
    """The rails that no longer serve a person."""
    with connection.cursor() as cursor:
        cursor.execute("select rail from banking_railcustomer where user_id = %s and stopped order by rail", [user_id])
        return [row[0] for row in cursor.fetchall()]


def case_kinds() -> list[tuple[str, str]]:
    """What kinds of cases there are, and what they are called."""
    with connection.cursor() as cursor:
        cursor.execute("select kind, title from compliance_casekind order by title")
        return list(cursor.fetchall())


_SIDES = {
    "payer": "They paid @{other}", "payee": "They were paid by @{other}", "load": "A load of theirs",
    "redemption": "A redemption of theirs",
}  # fmt: skip


def became_of(user_id: int, about: str) -> str:
    """What became of a thing that a person reported, and on which side of it they are: "They paid @theo: completed."."""
    with connection.cursor() as cursor:
        cursor.execute("select side, other, status from compliance_thing(%s, %s)", [user_id, about])
        row = cursor.fetchone()
    if row is None:
        return ""
    there = ""
    if (row[0], row[2]) == ("load", "settled"):
        there = " The money is in their wallet: what is credited comes on top of it."
    return f"{_SIDES[row[0]].format(other=row[1])}: {row[2].replace('_', ' ')}.{there}"


def letters(user_id: int) -> list[dict[str, Any]]:
    """What a person was told lately, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select title, body, created_at, read_at from console_caseletter where user_id = %s"
            " order by created_at desc limit 20", [user_id],
        )  # fmt: skip
        return [dict(zip(["title", "body", "created_at", "read_at"], row, strict=True)) for row in cursor.fetchall()]


def timeline(transfer_number: int) -> list[dict[str, Any]]:
    """How a bank transfer came to be where it is, oldest first, with the evidence of each step."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select status, at, cause, evidence from banking_transfermove where transfer_id = %s order by id", [transfer_number]
        )
        return [dict(zip(["status", "at", "cause", "evidence"], row, strict=True)) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Line:
    """A row of the first page: what, how much of it, and where to see it."""

    name: str
    amount: int
    url: str


@dataclass(frozen=True)
class Overview:
    figures: Figures
    books: list[Line]
    waiting: list[Line]
    vendors: list[Health]
    return_rates: list[ReturnRate]
    rails: dict[str, str]
    reconciled: list[Reconciliation]

    @property
    def short(self) -> int:
        """The cents that the reserve lacks; 0 when it covers what is required."""
        return max(0, self.figures.required - self.figures.reserve)


def overview(staff_id: int) -> Overview:
    """The first page: what is owed and covered, the books, and what waits for somebody (the queues) or something."""
    personal = {kind.name.lower() for kind in Personal}
    books = [
        Line(name.replace("_", " "), balance, "" if name in personal else _list("transfer", f"account={name}"))
        for name, _, _, balance in trial_balance()
    ]
    # What is nobody's queue, but that somebody should know of.
    besides = [
        ("cases that are late", Case.objects.filter(status="open", due_at__lt=clock.now()), "state=late"),
        ("frozen wallets", Wallet.objects.exclude(frozen=Wallet.OPEN), "frozen__gt=0"),
        ("bank transfers whose outcome is unknown", BankTransfer.objects.filter(status="unknown"), "status__exact=unknown"),
        ("bank transfers waiting for the rail", BankTransfer.objects.filter(status="queued"), "status__exact=queued"),
        ("quarantined lines of our bank", NachaLine.objects.filter(resolved_at=None), "resolved_at__isempty=1"),
        ("files that our bank rejected", NachaFile.objects.filter(status="rejected"), "status__exact=rejected"),
        ("webhooks not processed yet", InboxEvent.objects.filter(processed_at=None), "processed_at__isempty=1"),
        ("outbox rows not published yet", OutboxRow.objects.filter(position=None), "position__isempty=1"),
        ("weeks of rewards that are held", RewardRun.objects.filter(held=True), "held__exact=1"),
        (
            "weeks of rewards to look at before they go out", RewardRun.objects.filter(state="closed", held=False),
            "state__exact=closed",
        ),
    ]
    waiting = [Line(one.name, one.count, one.url) for one in queues(staff_id)]
    waiting += [Line(words, rows.count(), _list(str(rows.model._meta.model_name), query)) for words, rows, query in besides]
    return Overview(
        figures(),
        books,
        waiting,
        [line.health for line in lines()],
        return_rates(),
        {kind.value: chosen_rail(kind) for kind in Transfers.Kind},
        _last_of_each_custodian(),
    )


def _last_of_each_custodian() -> list[Reconciliation]:
    newest: dict[str, Reconciliation] = {}
    for row in Reconciliation.objects.filter(current=True).order_by("-on")[:60]:
        newest.setdefault(row.custodian, row)
    return list(newest.values())


def _list(model: str, query: str) -> str:
    return f"{reverse(f'admin:console_{model}_changelist')}?{query}"
