"""One-time codes: asking for one, for its SMS once more, and trying one.

Budgets and tries are counted by the functions in sql/0001_users.sql, which answer an outcome: what has to be
counted commits first, and the refusal is raised after.
"""

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from core import keyring
from core.errors import PayaError, RateLimited, ServiceUnavailable
from core.ids import new_id
from core.outbox import emit
from users import phones, queries, regions, sealed
from users.addresses import address_index
from users.database import call
from users.errors import AccountClosed, CodeRefused
from users.models import Challenge
from users.services.accounts import person_with
from users.services.sessions import Opened, open_device

log = logging.getLogger("paya.sms")

Purpose = Challenge.Purpose

CODE_SECONDS = 600
TRIES = 5
# Over all challenges of a phone, so that asking again does not buy new tries: 20 in a million a day.
TRIES_PER_PHONE_DAY = 20


@dataclass(frozen=True)
class Asked:
    """A challenge, how long its code is good, and when its SMS may be asked for again (both in seconds)."""

    challenge: str
    expires_in: int
    resend_in: int


def request_code(*, phone: str, address: str, purpose: Purpose = Purpose.LOG_IN) -> Asked:
    """Send a fresh code to a phone, known or not: nothing here differs between the two, wherever it is asked from.

    Raises ValidationError (field phone) for a number that we do not serve, RateLimited over a budget, and ServiceUnavailable
    when everybody's budget of the day is spent or too few of the last hour's codes were used.
    """
    e164 = phones.parse(phone)
    challenge, code = new_id("ch"), f"{secrets.randbelow(1_000_000):06d}"
    with transaction.atomic():
        row = [
            challenge,
            keyring.phone_index(e164),
            keyring.encrypt_system(sealed.OTP, sealed.CHALLENGE_PHONE, challenge, e164),
            _code_hash(challenge, code, purpose),
            keyring.encrypt_system(sealed.OTP, sealed.CHALLENGE_CODE, challenge, code),
            phones.block_index(e164),
            address_index(address),
            CODE_SECONDS,
        ]
        outcome, row_id, retry_after = _call("users_challenge_create", [*row, _budgets(address), purpose])
        if outcome == "queued":
            emit("sms.due", challenge=row_id)
    if outcome != "queued":
        raise _over_budget(outcome, retry_after)
    return Asked(challenge, CODE_SECONDS, settings.OTP_RESEND_SECONDS)


def resend_code(*, challenge: str, address: str) -> Asked:
    """Send the same code of the same challenge once more; once that is used up, a new one to the same phone.

    Raises CodeRefused for a challenge that does not exist (any more), RateLimited when a budget is spent.
    """
    with transaction.atomic():
        outcome, row_id, retry_after = _call("users_challenge_resend", [challenge, _budgets(address)])
        if outcome == "queued":
            emit("sms.due", challenge=row_id)
    if outcome == "gone":
        old = pending(challenge=challenge)
        if old is None:
            raise CodeRefused("This code is no longer good. Please ask for a new one.")
        return request_code(phone=old.phone, address=address)
    if outcome not in ("queued", "waiting"):
        raise _over_budget(outcome, retry_after)
    return Asked(challenge, CODE_SECONDS, settings.OTP_RESEND_SECONDS)


@dataclass(frozen=True)
class Pending:
    """A challenge that somebody is answering: its phone (E.164), and in how many seconds it can be resent."""

    challenge: str
    phone: str
    resend_in: int


def pending(*, challenge: str) -> Pending | None:
    """The challenge as the page for its code needs it; None when there is no such challenge (any more)."""
    found = call("users_challenge_look", [challenge, settings.OTP_RESEND_SECONDS])
    if found is None:
        return None
    return Pending(challenge, keyring.decrypt_system(sealed.OTP, sealed.CHALLENGE_PHONE, challenge, found[0]), found[2])


def check_code(
    *, challenge: str, code: str, device_name: str, user_agent: str, address: str, with_tokens: bool = False
) -> Opened:
    """Try a code. The right one, once, opens a device of its person, who is made if the phone is new.

    Consuming the code and opening the device is one transaction: if it fails, the code is still good. A wrong
    try commits before it is refused. Raises CodeRefused, AccountClosed, RateLimited when the phone's tries of a
    day are spent, or RegionNotServed where a new account would be opened from abroad: only whoever has the code
    of a phone learns that there is none.
    """
    opened: Opened | None = None
    may_sign_up = not regions.is_abroad(address)  # read here for everybody, not under the phone's lock for some
    arguments = [challenge, _code_hash(challenge, code, Purpose.LOG_IN), TRIES, TRIES_PER_PHONE_DAY]
    with transaction.atomic():
        outcome, index, cipher = _call("users_challenge_check", arguments)
        if outcome == "right":
            phone = keyring.decrypt_system(sealed.OTP, sealed.CHALLENGE_PHONE, challenge, cipher)
            person = person_with(phone=phone, index=bytes(index), refusal=None if may_sign_up else regions.not_served())
            if person.is_active:
                opened = open_device(
                    person=person,
                    name=device_name,
                    user_agent=user_agent,
                    address=address,
                    with_tokens=with_tokens,
                )
    if opened is None:
        raise _refused(outcome)
    return opened


def request_own_code(*, user_id: int, address: str, purpose: Purpose) -> Asked:
    """Send a fresh code to the phone of somebody who is logged in, to see that it is still them: its message says what it does.

    Raises as `request_code`.
    """
    return request_code(phone=queries.phone_of(user_id=user_id), address=address, purpose=purpose)


def confirm_code(*, user_id: int, challenge: str, code: str, purpose: Purpose) -> None:
    """Try a code that was asked for to confirm this: it opens nothing, and is good once, for the phone of this person.

    A wrong try counts, and so does one with a code that is for something else. Raises CodeRefused, or RateLimited when the
    phone's tries of a day are spent.
    """
    arguments = [challenge, _code_hash(challenge, code, purpose), TRIES, TRIES_PER_PHONE_DAY]
    with transaction.atomic():
        outcome, index, _ = _call("users_challenge_check", arguments)
    if outcome == "right" and not queries.is_phone_of(user_id=user_id, index=bytes(index)):
        outcome = "gone"  # somebody else's: no word of whose
    if outcome != "right":
        raise _refused(outcome)


def _code_hash(challenge: str, code: str, purpose: Purpose) -> bytes:
    """Over what the code is for as well: a code to log in closes no account, and the other way round."""
    said = f"{challenge}|{code}" if purpose is Purpose.LOG_IN else f"{challenge}|{code}|{purpose}"
    return hmac.new(bytes.fromhex(settings.OTP_KEY), said.encode(), hashlib.sha256).digest()


def _budgets(address: str) -> list[int]:
    """In the order that users_sms_budget takes them.

    From abroad only people log in who travel, and codes are pumped from there: of what everybody shares it gets a part.
    """
    percent = settings.OTP_PERCENT_ABROAD if regions.is_abroad(address) else 100
    return [
        settings.OTP_PER_PHONE_DAY,
        settings.OTP_PER_BLOCK_DAY,
        settings.OTP_PER_ADDRESS_HOUR * percent // 100,
        settings.OTP_RESEND_SECONDS,
        settings.OTP_PER_DAY * percent // 100,
        settings.OTP_UNUSED_MIN_SENT * percent // 100,
        settings.OTP_USED_PERCENT,
    ]


def _over_budget(outcome: str, retry_after: int | None) -> PayaError:
    retry_after = max(1, retry_after or 3600)  # a budget of none at all frees nothing at a known time
    if outcome in ("everybody", "unused"):
        # Nobody's own fault, and somebody has to look: a spent budget of the day, or codes that nobody types in.
        log.error("sms_stopped", extra={"cause": outcome})
        return ServiceUnavailable("We cannot send codes right now. Please try again later.", retry_after=retry_after)
    sentence = {
        "wait": "A code is on its way. You can ask for it again in a moment.",
        "phone": "This phone has asked for too many codes today. Please try again tomorrow.",
    }.get(outcome, "Too many codes were asked for from where you are. Please try again later.")
    return RateLimited(sentence, retry_after=retry_after)


def _refused(outcome: str) -> PayaError:
    if outcome == "right":
        return AccountClosed()
    if outcome == "limited":
        return RateLimited("Too many wrong codes for this phone today. Please try again tomorrow.", retry_after=24 * 3600)
    sentence = {
        "wrong": "That is not the code. Please look at the newest message.",
        "gone": "This code is no longer good. Please ask for a new one.",
    }[outcome]
    return CodeRefused(sentence, fields={"code": sentence})


def _call(function: str, arguments: list[Any]) -> tuple[Any, ...]:
    row = call(function, arguments)
    assert row is not None  # these functions always answer an outcome
    return row
