"""Tier 2: a bank confirms that its account holder is this person, by the legal name that they type (Plaid's Identity Match).

The person's request writes down what is to be asked and is answered at once; a worker asks, outside of any transaction. A
time-out or a vendor that is down is no answer: the row stays due and is asked again. The name and the phone both have to fit:
whoever holds somebody's log-in knows the name that it needs, but not their phone.
"""

import logging
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F

from banking import plaid
from banking.models import BankAccount, IdentityCheck
from banking.services import secrets as sealed
from compliance.services import letters, tiers
from core.actor import SYSTEM, actor
from core.api import has_control
from core.clock import now
from core.errors import Conflict, LimitExceeded, NotFound, ValidationError
from core.outbox import emit
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from users import queries as users
from wallets import services as wallets

log = logging.getLogger("paya.banking")
Status = IdentityCheck.Status
PER_DAY = 5  # of one person: nobody tries names until one fits
NAME_LONGEST = 120
FIRST_RETRY, LAST_RETRY = timedelta(seconds=20), timedelta(hours=6)
TRIES = 12  # nearly two days
LEASE = timedelta(minutes=2)
NO_ANSWER = "no answer"
# A login that has to be repaired first; the others say that this bank does not give the product.
_LOGIN = {"ITEM_LOGIN_REQUIRED", "ITEM_LOCKED", "ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED"}


def normal(legal_name: str) -> str:
    """A legal name as it is kept. Raises ValidationError for what is none, and for one that no bank here would have.

    American banks write names in Latin letters, and so is it compared with the sanctions list: in scripts without vowels it
    would not be found there.
    """
    name = " ".join(unicodedata.normalize("NFC", legal_name).split())
    of_it = [character for character in name if character.isalpha()]
    latin = all(unicodedata.name(character, "").startswith("LATIN ") for character in of_it)
    if has_control(name) or len(of_it) < 2 or not latin or len(name) > NAME_LONGEST or any(map(str.isdigit, name)):
        raise ValidationError(fields={"legal_name": "Write your first and last name as your bank knows them."})
    return name


def start(*, user_id: int, legal_name: str, bank_account: str | None = None) -> IdentityCheck:
    """Have a bank asked: the one that is named, or the default. The same question again is the same check.

    Raises ValidationError (no name, no bank that works), NotFound (somebody else's bank), Conflict (another question is open) and
    LimitExceeded (five a day).
    """
    name = normal(legal_name)
    with actor(user_id):
        wallets.guard(user_id=user_id)  # of two at once the second finds the first
        account = _account(user_id, bank_account)
        index = sealed.legal_name_index(user_id, name)
        mine = IdentityCheck.objects.select_related("account").filter(user_id=user_id)
        same = mine.filter(account=account, name_index=index, created_at__gt=now() - timedelta(days=1))
        found = same.exclude(status=Status.UNREACHABLE).order_by("-id").first()
        if found is not None:
            return found
        if mine.filter(status=Status.WAITING).exists():
            raise Conflict("We are still asking your bank. Please wait for its answer.")
        _room_for_one_more(user_id)
        check = IdentityCheck(user_id=user_id, account=account, name_index=index, due_at=now())
        check.legal_name = sealed.seal_legal_name(check, name)
        check.save(force_insert=True)
        emit("identity_check.due", check=check.pk)
        return check


def _account(user_id: int, bank_account: str | None) -> BankAccount:
    rows = BankAccount.objects.filter(user_id=user_id).exclude(status=BankAccount.Status.REMOVED)
    if bank_account is not None:
        account = rows.filter(public_id=bank_account).first()
        if account is None:
            raise NotFound
    else:
        account = rows.order_by("-is_default", "id").first()
    if account is None:
        raise ValidationError(fields={"bank_account": "Link a bank first: it is the one that is asked."})
    if account.status != BankAccount.Status.ACTIVE:
        raise ValidationError(fields={"bank_account": "This bank has to be linked again before it can be asked."})
    return account


def _room_for_one_more(user_id: int) -> None:
    since = now() - timedelta(days=1)
    rows = IdentityCheck.objects.filter(user_id=user_id, created_at__gt=since).exclude(status=Status.UNREACHABLE)
    times = list(rows.order_by("created_at").values_list("created_at", flat=True))
    if len(times) >= PER_DAY:
        frees = times[-PER_DAY] + timedelta(days=1)
        raise LimitExceeded(
            f"A bank can be asked {PER_DAY} times a day. The next time from {frees:%-d %B at %H:%M} UTC on.",
            limit="identity_checks_per_day", resets_at=frees.isoformat(),
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------------ the worker
def due(*, limit: int = 50) -> list[int]:
    with actor(SYSTEM):
        rows = IdentityCheck.objects.filter(due_at__lte=now()).order_by("due_at")
        return list(rows.values_list("id", flat=True)[:limit])


def ask(*, check_id: int) -> None:
    """Ask the bank, if it is due, and act on the answer; repeats and races harmlessly."""
    moment = now()
    with actor(SYSTEM):
        mine = IdentityCheck.objects.filter(pk=check_id, status=Status.WAITING, due_at__lte=moment)
        if mine.update(due_at=moment + LEASE, attempts=F("attempts") + 1) != 1:
            return
        check = IdentityCheck.objects.select_related("account__item").get(pk=check_id)
        name, token = sealed.legal_name_of(check), sealed.access_token(check.account.item)
    try:
        phone = users.phone(user_id=check.user_id)
        scores = plaid.match_identity(token, check.account.account_id, name=name, phone=phone)
    except (ProviderDown, ProviderUnknown) as error:
        log.info("identity_check_later", extra={"cause": str(error)})
        _later(check)
    except ProviderRejected as error:
        status = Status.UNREACHABLE if error.code in _LOGIN else Status.NOT_TOLD
        _answered(check, status, outcome=error.code)
    else:
        _answered(check, verdict(scores), outcome="", name_score=scores.name, phone_score=scores.phone)


def verdict(scores: plaid.Scores) -> Status:
    """What scores mean. A bank that tells only one of the two tells too little."""
    if scores.name is None or scores.phone is None:
        return Status.NOT_TOLD
    fits = scores.name >= settings.IDENTITY_NAME_SCORE and scores.phone >= settings.IDENTITY_PHONE_SCORE
    return Status.MATCHED if fits else Status.NOT_MATCHED


def _later(check: IdentityCheck) -> None:
    if check.attempts >= TRIES:
        _answered(check, Status.UNREACHABLE, outcome=NO_ANSWER)
        return
    wait = min(LAST_RETRY, FIRST_RETRY * 2 ** min(check.attempts - 1, 12))
    with actor(SYSTEM):
        IdentityCheck.objects.filter(pk=check.pk, status=Status.WAITING).update(
            due_at=now() + wait, outcome=NO_ANSWER
        )


def _answered(check: IdentityCheck, status: Status, **columns: Any) -> None:
    """The answer, and what follows from it, in one transaction; of two workers the second finds it answered."""
    moment = now()
    with actor(SYSTEM):
        mine = IdentityCheck.objects.filter(pk=check.pk, status=Status.WAITING)
        if mine.update(status=status, due_at=None, answered_at=moment, **columns) != 1:
            return
        if status == Status.MATCHED:
            tiers.prove_identity(user_id=check.user_id, evidence=_evidence(check, moment.isoformat(), columns))
        else:
            title, words = LETTERS[status]
            letters.tell(user_id=check.user_id, kind="tier", title=title, body=words, about=check.public_id)


def _evidence(check: IdentityCheck, at: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    account = check.account
    return {
        "by": "plaid", "check": check.public_id, "item": account.item.public_id, "bank_account": account.public_id, "at": at,
        "name_score": scores["name_score"], "phone_score": scores["phone_score"],
    }  # fmt: skip


# What a person is told, each with what to do next. The same words stand on the page.
WORDS = {
    Status.WAITING: "We are asking your bank. This takes a moment.",
    Status.MATCHED: "Your bank confirmed who you are.",
    Status.NOT_MATCHED: (
        "What your bank has does not fit your name and phone number here. Check how the name is written, ask your bank to update "
        "your phone number, link another bank of yours, or send an identity document."
    ),
    Status.NOT_TOLD: (
        "This bank does not tell us enough to confirm who you are. Link another bank of yours, or send an identity document."
    ),
    Status.UNREACHABLE: "Your bank could not be asked. Link it again and retry, or send an identity document.",
}
DOWN = "Asking your bank is temporarily unavailable. We go on trying by ourselves and tell you once there is an answer."
LETTERS = {
    Status.NOT_MATCHED: ("Your bank could not confirm who you are", WORDS[Status.NOT_MATCHED] + " Nothing else changes."),
    Status.NOT_TOLD: ("Your bank could not confirm who you are", WORDS[Status.NOT_TOLD] + " Nothing else changes."),
    Status.UNREACHABLE: ("Your bank could not be asked who you are", WORDS[Status.UNREACHABLE] + " Nothing else changes."),
}


def words(check: IdentityCheck) -> str:
    """Where a check stands, as its person is told."""
    return DOWN if check.status == Status.WAITING and check.outcome else WORDS[Status(check.status)]


def latest(*, user_id: int) -> IdentityCheck | None:
    """The person's newest check, with its bank."""
    with actor(user_id):
        rows = IdentityCheck.objects.select_related("account__item").filter(user_id=user_id)
        return rows.order_by("-id").first()
