"""Entries: handed to the rail under our own key, and until they are in a file, taken back again.

Each of these is a transaction of its own; the rail's callers have none open.
"""

from datetime import date, timedelta
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection, transaction

from banking.models import BankTransfer, NachaEntry, NachaReceiver
from banking.nacha import windows
from banking.nacha.codes import RETURNS
from banking.nacha.errors import InvalidFile
from banking.nacha.model import REVERSAL, Account, Batch, Direction, Entry, File, Sec, plain
from banking.nacha.parse import check_digit
from banking.nacha.windows import REPRESENT_DAYS
from banking.nacha.write import write
from banking.services.nacha import secrets, terms
from core.actor import SYSTEM, actor
from core.calendar import EASTERN, add_business_days
from core.clock import now
from core.ids import derived_reference
from core.resilience import ProviderDown, ProviderRejected
from users.models import Profile

Status, Purpose = NachaEntry.Status, NachaEntry.Purpose
LOAD_DAYS, REDEMPTION_DAYS = 3, 1  # business days, as the rail's terms say
SEC = {Direction.DEBIT: Sec.WEB, Direction.CREDIT: Sec.PPD}
OTHER_WAY = {Direction.DEBIT: Direction.CREDIT, Direction.CREDIT: Direction.DEBIT}


# ------------------------------------------------------------------------------------------------ bank accounts
def add_receiver(*, customer: str, numbers: str, kind: str) -> str:
    """Our id of a person's account ("routing:account"); the same numbers of the same person give the same id.

    Works for whoever links a bank, the person or the worker. Raises ProviderRejected.
    """
    routing, _, account = numbers.partition(":")
    if not check_digit(routing):
        raise ProviderRejected("InvalidRouting")
    if not account or len(account) > 17 or account != plain(account):
        raise ProviderRejected("InvalidAccount")
    user_id = _person(customer)
    with actor(user_id):
        index = secrets.linked_index(routing, account)
        row = NachaReceiver(user_id=user_id, routing=routing, kind=Account(kind), linked_index=index)
        row.account = secrets.seal_receiver(row, account)
        NachaReceiver.objects.bulk_create([row], ignore_conflicts=True)
        known = NachaReceiver.objects.filter(user_id=user_id, linked_index=index)
        known.exclude(removed_at=None).update(removed_at=None)
        return known.values_list("public_id", flat=True).get()


def _person(public_id: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("select banking_nacha_person(%s)", [public_id])
        found = cursor.fetchone()[0]
    if found is None:
        raise ProviderRejected("NoSuchCustomer")
    return int(found)


def remove_receiver(*, bank: str) -> None:
    """No new entries to or from this account; those that exist go their way."""
    with actor(SYSTEM):
        NachaReceiver.objects.filter(public_id=bank, removed_at=None).update(removed_at=now())


def receiver_usable(*, bank: str) -> bool:
    with actor(SYSTEM):
        return NachaReceiver.objects.filter(public_id=bank, removed_at=None).exists()


# ------------------------------------------------------------------------------------------------ handing over
def hand_over(*, key: UUID, bank: str, amount: int, direction: Direction) -> NachaEntry:
    """The entry of this key, made now if need be. Raises ProviderRejected for an account or entry that cannot be filed.

    A load that presents an earlier one again is that one's entry once more, described RETRY PYMT.
    """
    with actor(SYSTEM):
        receiver = _usable(bank)
        transfer = BankTransfer.objects.filter(rail_key=key).select_related("represents").first()
        first = _presented_before(transfer) if transfer else None
        return _once(NachaEntry(
            key=key, user_id=receiver.user_id, receiver=receiver, direction=direction, sec=SEC[direction], amount=amount,
            routing=receiver.routing, kind=receiver.kind, promised_on=_promised(transfer, direction), original=first,
            purpose=Purpose.RETRY if first else Purpose.TRANSFER,
        ), secrets.receiver_account(receiver))  # fmt: skip


def _promised(transfer: BankTransfer | None, direction: Direction) -> date:
    """The day that the person was told."""
    days = LOAD_DAYS if direction is Direction.DEBIT else REDEMPTION_DAYS
    return transfer.expected_on if transfer else add_business_days(_today(), days)


def _presented_before(transfer: BankTransfer) -> NachaEntry | None:
    """The entry of the load that this one presents again. Raises ProviderRejected where the rules do not let it."""
    if transfer.represents is None:
        return None
    first = NachaEntry.objects.select_related("batch").get(key=transfer.represents.rail_key)
    came_back = RETURNS.get(first.return_code)
    if came_back is None or not came_back.represent or _today() > settlement(first) + timedelta(days=REPRESENT_DAYS):
        raise ProviderRejected("NotPresentedAgain")
    return first


def prenote(*, key: UUID, bank: str, direction: Direction) -> NachaEntry:
    """Ask whether an account is there. The first live entry may settle on the third banking day after."""
    with actor(SYSTEM):
        receiver = _usable(bank)
        return _once(NachaEntry(
            key=key, user_id=receiver.user_id, receiver=receiver, direction=direction, sec=SEC[direction], amount=0,
            routing=receiver.routing, kind=receiver.kind, promised_on=_today(), purpose=Purpose.PRENOTE,
        ), secrets.receiver_account(receiver))  # fmt: skip


def reverse(*, entry: str) -> NachaEntry:
    """Take back an entry that was a mistake, once, within five banking days. Raises ProviderRejected."""
    with actor(SYSTEM):
        wrong = NachaEntry.objects.select_related("batch", "receiver").get(public_id=entry)
        if wrong.status not in (Status.ACKNOWLEDGED, Status.SETTLED) or wrong.purpose in (Purpose.PRENOTE, Purpose.REVERSAL):
            raise ProviderRejected("NotReversible")
        if _today() > windows.reversal_deadline(settlement(wrong)):
            raise ProviderRejected("TooLateToReverse")
        return _once(NachaEntry(
            key=derived_reference(wrong.key, "reversal"), user_id=wrong.user_id, receiver=wrong.receiver, original=wrong,
            direction=OTHER_WAY[Direction(wrong.direction)], sec=wrong.sec, amount=wrong.amount, routing=wrong.routing,
            kind=wrong.kind, promised_on=_today(), purpose=Purpose.REVERSAL,
        ), secrets.entry_account(wrong))  # fmt: skip


def is_reversed(row: NachaEntry) -> bool:
    """Whether its money has gone back by a reversal that counts as arrived itself."""
    with actor(SYSTEM):
        return NachaEntry.objects.filter(original=row.pk, purpose=Purpose.REVERSAL, status=Status.SETTLED).exists()


def settlement(row: NachaEntry) -> date:
    """The day on which a filed entry settles: as the bank said, or else as it was asked for."""
    assert row.batch is not None
    return row.batch.settles_on or row.batch.effective_on


def _usable(bank: str) -> NachaReceiver:
    receiver = NachaReceiver.objects.filter(public_id=bank, removed_at=None).first()
    if receiver is None:
        raise ProviderRejected("NoSuchBank")
    return receiver


def _once(row: NachaEntry, account: str) -> NachaEntry:
    """Keep a new entry, or give the one that has its key. What could not be filed is refused here, where somebody is told."""
    known = NachaEntry.objects.filter(key=row.key).first()
    if known is None:
        _check(row, account)
        row.account = secrets.seal_entry(row, account)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
            return row
        except IntegrityError:
            known = NachaEntry.objects.get(key=row.key)
    asked, was = ((each.receiver_id, each.direction, each.amount) for each in (row, known))
    if asked != was:
        raise ProviderRejected("KeyReused")
    return known


def _check(row: NachaEntry, account: str) -> None:
    """Write a file with this entry alone, which nobody sends."""
    moment = now()
    entry = as_written(row, account, name_of([row.user_id])[row.user_id])
    batch = Batch(Sec(row.sec), description(row), windows.standard(moment), (entry,))
    try:
        write(File(terms.originator(), (batch,), moment))
    except InvalidFile as fault:
        raise ProviderRejected("InvalidEntry", "; ".join(f"{each.record}, {each.field}" for each in fault.faults)) from fault


# ------------------------------------------------------------------------------------------------ as it is written
def as_written(row: NachaEntry, account: str, name: str) -> Entry:
    return Entry(
        Direction(row.direction), row.routing, account, row.amount, name, id=row.key.hex[-15:].upper(), kind=Account(row.kind),
        prenote=row.purpose == Purpose.PRENOTE,
    )  # fmt: skip


def description(row: NachaEntry) -> str:
    if row.purpose == Purpose.REVERSAL:
        return REVERSAL
    if row.purpose == Purpose.RETRY:
        return terms.RETRY
    return terms.LOAD if row.direction == Direction.DEBIT else terms.REDEMPTION


def name_of(users: list[int]) -> dict[int, str]:
    """Names as the network can carry them; who has none of its letters goes by their @username."""
    names = dict.fromkeys(users, "PAYA MEMBER")
    for profile in Profile.objects.filter(user_id__in=set(users)):
        names[profile.user_id] = plain(profile.display_name) or plain(profile.username) or names[profile.user_id]
    return names


# ------------------------------------------------------------------------------------------------ looking and taking back
def by_id(public_id: str) -> NachaEntry | None:
    with actor(SYSTEM):
        return NachaEntry.objects.filter(public_id=public_id).first()


def by_key(key: UUID) -> NachaEntry | None:
    with actor(SYSTEM):
        return NachaEntry.objects.filter(key=key).first()


def cancel(*, entry: str) -> None:
    """Take an entry back that is in no file yet; again, nothing happens.

    Raises ProviderRejected once it is in one, ProviderDown while one is being written.
    """
    try:
        with actor(SYSTEM):
            rows = NachaEntry.objects.filter(public_id=entry)
            taken_back = rows.filter(status=Status.QUEUED).update(status=Status.CANCELLED)
            if not taken_back and not rows.filter(status=Status.CANCELLED).exists():
                raise ProviderRejected("TooLateToCancel")
    except OperationalError as error:  # lock_timeout
        raise ProviderDown("its file is being written") from error


def _today() -> date:
    return now().astimezone(EASTERN).date()
