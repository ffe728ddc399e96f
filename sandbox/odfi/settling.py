"""What a business day does to files and entries: fetched, settled, sent back, and told."""

import hashlib
import os
import re
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db.models import F, Sum

from sandbox.calendar import add_business_days
from sandbox.models import BankAccount, Fault
from sandbox.odfi import texts
from sandbox.odfi.models import OdfiEntry, OdfiFile, OdfiPosting, OdfiRenumbered

CREDITED, DEBITED, DEBIT_RETURNED, CREDIT_RETURNED = "166", "466", "557", "257"  # BAI2's type codes
ACCOUNT = "1000200030"  # our account's number at this bank
RETURN_DAYS = 2  # in which a debit may come back before it counts as arrived
LATE_DAYS = 2


def settle(day: date, settled: list[str], failed: list[str]) -> None:
    """One business day. Without a drop there is no such bank."""
    if not settings.ODFI_DROP:
        return
    _fetch(day)
    backs: list[texts.Back] = []
    for entry in OdfiEntry.objects.filter(due_on__lte=day).order_by("due_on", "id"):
        backs += _step(entry, day)
        (failed if entry.status == "returned" else settled).append(entry.trace)
    if backs:
        first = OdfiPosting.objects.count() + 1  # of their own traces; any number that grows
        _tell(f"RET-{day:%y%m%d}.ach", texts.returns(backs, odfi=settings.ODFI_ROUTING, day=day, first=first))
    if OdfiFile.objects.exists():
        _tell(f"BAI-{day:%y%m%d}.txt", _statement(day))


# ------------------------------------------------------------------------------------------------ files
def _fetch(day: date) -> None:
    for path in sorted(_folder("outgoing").iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if not OdfiFile.objects.filter(name=path.name, sha256=digest).exists():
            _take(path.name, data, digest, day)


def _take(name: str, data: bytes, digest: str, day: date) -> None:
    asked = _asked()
    try:
        if asked == "reject":
            raise texts.Refused("the sandbox was asked to refuse it")
        if OdfiFile.objects.filter(sha256=digest, accepted=True).exists():
            raise texts.Refused("duplicate file")
        sent = texts.take_apart(data)
    except texts.Refused as refusal:
        OdfiFile.objects.create(name=name, sha256=digest, accepted=False, on=day)
        _tell(f"ACK-{name}.txt", texts.acknowledgement(name, None, {}, str(refusal)))
        return
    file = OdfiFile.objects.create(name=name, sha256=digest, accepted=True, on=day)
    settles = {number: max(effective, day) for number, effective in sent.batches.items()}
    for entry in sent.entries:
        on = settles[entry.pop("batch")]
        OdfiEntry.objects.create(file=file, settles_on=on, due_on=on, **entry)
    if asked != "silent":
        _tell(f"ACK-{name}.txt", texts.acknowledgement(name, sent, settles))


def _asked() -> str:
    """How the next file is to be answered, where somebody has asked for something."""
    fault = Fault.objects.filter(vendor="odfi").order_by("id").first()
    if fault is None:
        return ""
    if fault.times_left <= 1:
        fault.delete()
    else:
        Fault.objects.filter(pk=fault.pk).update(times_left=F("times_left") - 1)
    return fault.mode


def _tell(name: str, text: str) -> None:
    """A file for us, under its name only once it is whole."""
    part = _folder("incoming") / f".{name}.part"
    part.write_text(text, newline="")
    os.replace(part, _folder("incoming") / name)


def _folder(name: str) -> Path:
    folder = Path(settings.ODFI_DROP) / name
    folder.mkdir(mode=0o770, parents=True, exist_ok=True)
    return folder


# ------------------------------------------------------------------------------------------------ entries
def _step(entry: OdfiEntry, day: date) -> list[texts.Back]:
    """Settle an entry, or send it back."""
    if entry.status == "settled":
        return [_return(entry, day)]
    account = _account(entry)
    code, late = _asked_return(account)
    enough = account is not None and (not entry.is_debit or account.balance >= entry.cents)
    entry.status, entry.due_on = "settled", None
    entry.returns_as = "R03" if account is None else code or ("" if enough else "R01")
    if entry.returns_as:
        entry.due_on = _returns_on(entry, day, late=late)
    if account is not None and enough and (late or not entry.returns_as):
        sign = -1 if entry.is_debit else 1
        BankAccount.objects.filter(pk=account.pk).update(balance=F("balance") + sign * entry.cents)
        entry.moved = True
    entry.save()
    _post(entry, day, CREDITED if entry.is_debit else DEBITED, entry.cents if entry.is_debit else -entry.cents, "ACH")
    if entry.due_on == day:
        return [_return(entry, day)]
    return [_change(entry, account)] if account is not None and account.name.strip() == "C01" else []


def _returns_on(entry: OdfiEntry, day: date, *, late: bool) -> date:
    """A credit is refused on the day itself, a debit on the next; late is after it counted as arrived."""
    if late:
        return add_business_days(day, (RETURN_DAYS if entry.is_debit else 0) + LATE_DAYS)
    return add_business_days(day, 1) if entry.is_debit else day


def _return(entry: OdfiEntry, day: date) -> texts.Back:
    account = _account(entry)
    if entry.moved and account is not None:
        sign = 1 if entry.is_debit else -1
        BankAccount.objects.filter(pk=account.pk).update(balance=F("balance") + sign * entry.cents)
    entry.status, entry.due_on, entry.moved = "returned", None, False
    entry.save()
    _post(
        entry, day, DEBIT_RETURNED if entry.is_debit else CREDIT_RETURNED, -entry.cents if entry.is_debit else entry.cents,
        f"ACH RETURN {entry.returns_as}",
    )  # fmt: skip
    return _back(entry, entry.returns_as)


def _change(entry: OdfiEntry, account: BankAccount | None) -> texts.Back:
    """The account has a new number from now on; the old one still finds it."""
    assert account is not None
    OdfiRenumbered.objects.create(routing=account.routing, number=account.number, account=account)
    account.number, account.name = f"9{account.number[1:]}", "Renumbered"
    account.save(update_fields=["number", "name"])
    return _back(entry, "C01", data=account.number)


def _back(entry: OdfiEntry, code: str, data: str = "") -> texts.Back:
    return texts.Back(
        code, entry.sec, entry.code, entry.routing, entry.number, entry.cents, entry.reference, entry.name, entry.trace, data
    )


def _account(entry: OdfiEntry) -> BankAccount | None:
    found = BankAccount.objects.filter(routing=entry.routing, number=entry.number).order_by("-id").first()
    if found is not None:
        return found
    known = OdfiRenumbered.objects.filter(routing=entry.routing, number=entry.number).order_by("-id").first()
    return known.account if known else None


def _asked_return(account: BankAccount | None) -> tuple[str, bool]:
    match = re.fullmatch(r"(R\d\d)(-late)?", account.name.strip()) if account else None
    return (match[1], bool(match[2])) if match else ("", False)


# ------------------------------------------------------------------------------------------------ our account
def _post(entry: OdfiEntry, day: date, type_: str, cents: int, text: str) -> None:
    if cents:
        OdfiPosting.objects.create(
            on=day, type=type_, cents=cents, bank_reference=entry.reference, reference=entry.trace, text=text
        )


def _statement(day: date) -> str:
    before = OdfiPosting.objects.filter(on__lt=day).aggregate(sum=Sum("cents"))["sum"] or 0
    lines = [
        texts.Posted(row.type, row.cents, row.bank_reference, row.reference, row.text)
        for row in OdfiPosting.objects.filter(on=day).order_by("id")
    ]
    return texts.statement(day, odfi=settings.ODFI_ROUTING, account=ACCOUNT, opening=before, lines=lines)


def balance() -> int:
    """What our account holds, in cents."""
    return OdfiPosting.objects.aggregate(sum=Sum("cents"))["sum"] or 0


def forget() -> None:
    OdfiFile.objects.all().delete()  # and their entries
    OdfiPosting.objects.all().delete()
