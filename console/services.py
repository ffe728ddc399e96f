"""Letting staff in, and the one look that is written down."""

import hashlib
import secrets
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.hashers import BasePasswordHasher, check_password, make_password
from django.db import connection, transaction

from console import keys
from console.models import Authenticator, Invitation, LogInTry, SecurityKey, step_of
from console.sealed import SECRET
from core import keyring
from core.actor import SYSTEM, actor, current_actor
from core.api import has_control
from core.clock import now
from core.errors import Conflict, Forbidden, NotFound, RateLimited, Unauthenticated, ValidationError
from core.ids import new_id
from core.staff import call, reason_of
from users.models import User

# Wrong tries within the window before one has to wait: for one e-mail from one address, for one e-mail wherever from (wider: who
# only knows the e-mail does not lock its owner out by a handful), and from one address. Counted before they are judged, so that
# guesses side by side find the same end.
TRIES_FROM_ONE, TRIES_PER_EMAIL, TRIES_PER_ADDRESS, WINDOW = 5, 20, 30, timedelta(minutes=15)
# Of somebody who is in and is asked once more. Nobody outside can use these up, nor do they count as log-ins.
TRIES_AGAIN = 5
_LOCK = 720_201  # class of this room's advisory locks
_WRONG = "E-mail, password or code is not right."
_WRONG_TO_JOIN = "Password or code is not right."
LINK_IS_GONE = "This link is not good any more. Please ask an administrator for another one."
_BY_LINK = "By the link that they were given."


def staff_by_id(user_id: int) -> User | None:
    return _staff(None, user_id)


def is_actor(email: str | None) -> bool:
    """Whether this is the e-mail of the member of staff who acts."""
    acting = staff_by_id(current_actor() or 0)
    return acting is not None and acting.email == email


def _staff(email: str | None, user_id: int | None) -> User | None:
    """A member of staff, read before there is an actor; never a person."""
    with connection.cursor() as cursor:
        cursor.execute("select id, public_id, email, password, is_active from console_staff(%s, %s)", [email, user_id])
        row = cursor.fetchone()
    if row is None:
        return None
    names = ["id", "public_id", "email", "password", "is_active"]
    user = User(**dict(zip(names, row, strict=True)), kind=User.STAFF)
    user._state.adding = False
    return user


@dataclass(frozen=True)
class KeySaid:
    """What a security key answered, and what its challenge has to be bound to (console/keys.py)."""

    answer: str
    bound: bytes


def log_in(*, email: str, password: str, code: str, address: str, key: KeySaid | None = None) -> User:
    """The member of staff with this e-mail, password and code of now, or key in place of the code.

    Raises Unauthenticated, which does not say what was wrong; RateLimited after too many wrong tries.
    """
    email = email.strip().lower()
    attempt = _count_log_in(email, address)
    challenge = _challenge_of(key)
    user = _staff(email, None)
    # Hashing takes as long for an e-mail that nobody has.
    right = check_password(password, user.password if user else _nobodys_password())
    if user is None or not right or not user.is_active:
        raise Unauthenticated(_WRONG)
    with actor(user.pk):
        device = _second_factor(user, code, key, challenge)
    if device is None:
        raise Unauthenticated(_WRONG)
    LogInTry.objects.filter(pk=attempt.pk).update(succeeded=True)
    user.otp_device = device  # type: ignore[attr-defined]  # django-otp keeps it in the session
    return user


def _challenge_of(key: KeySaid | None) -> bytes | None:
    """The challenge that the key answered, used up before anything is judged; None where it answered none of ours."""
    try:
        return keys.take(key.answer, key.bound) if key else None
    except Unauthenticated:
        return None


def _second_factor(user: User, code: str, key: KeySaid | None, challenge: bytes | None) -> Authenticator | SecurityKey | None:
    """What of this member, who is the actor, has proved itself: the key where there is one, or else the authenticator."""
    if key is not None:
        try:
            return keys.check(user, key.answer, challenge) if challenge else None
        except Unauthenticated:
            return None
    device = Authenticator.objects.filter(user_id=user.pk, confirmed=True).first()
    if device is None:
        return None
    device.user = user
    return device if device.verify_token(code) else None


def prove_again(*, staff_id: int, code: str, address: str, key: KeySaid | None = None) -> None:
    """That this member of staff, who is logged in, is still who sits there. Counted by itself: whoever tries log-ins from
    outside keeps nobody who is in from their work.

    Raises Unauthenticated, RateLimited.
    """
    user = _staff(None, staff_id)
    if user is None or not user.is_active:
        raise Unauthenticated(_WRONG)
    attempt = _count_again(staff_id, address)
    challenge = _challenge_of(key)
    with actor(staff_id):
        if _second_factor(user, code, key, challenge) is None:
            said = "This code is not right. A code is good once: wait for the next one."
            raise Unauthenticated(said if key is None else "This key is not right. Please try again.")
        LogInTry.objects.filter(pk=attempt.pk).update(succeeded=True)


def _count_log_in(email: str, address: str) -> LogInTry:
    whose, where = keyring.blind_index("staff-email", email), keyring.blind_index("staff-address", address)
    return _count_try(
        whose, where,
        ({"email_index": whose, "address_index": where}, TRIES_FROM_ONE),
        ({"email_index": whose}, TRIES_PER_EMAIL),
        ({"address_index": where}, TRIES_PER_ADDRESS),
    )  # fmt: skip


def _count_again(staff_id: int, address: str) -> LogInTry:
    whose, where = keyring.blind_index("staff-again", str(staff_id)), keyring.blind_index("staff-again-address", address)
    return _count_try(whose, where, ({"email_index": whose}, TRIES_AGAIN))


def _count_try(email_index: bytes, address_index: bytes, *budgets: tuple[dict[str, bytes], int]) -> LogInTry:
    """A try, as a wrong one until it has succeeded. Raises RateLimited where one of the budgets is used up."""
    since = now() - WINDOW
    with transaction.atomic():
        with connection.cursor() as cursor:
            for index in (email_index, address_index):
                cursor.execute("select pg_advisory_xact_lock(%s, hashtext(encode(%s, 'hex')))", [_LOCK, index])
        wrong = LogInTry.objects.filter(succeeded=False, at__gt=since)
        refused = [moment for of, most in budgets for moment in _over(wrong.filter(**of), most)]
        if not refused:
            return LogInTry.objects.create(email_index=email_index, address_index=address_index)
    wait = max(refused) + WINDOW - now()
    minutes = max(1, round(wait.total_seconds() / 60))
    raise RateLimited(
        f"Too many wrong tries. Please wait {minutes} minute{'s' if minutes > 1 else ''}.", retry_after=int(wait.total_seconds())
    )


def _over(tries: Any, limit: int) -> list[datetime]:
    """Of the last `limit` tries the first, which has to grow old before the next one; nothing while there are fewer."""
    times = list(tries.order_by("-at").values_list("at", flat=True)[:limit])
    return times[-1:] if len(times) == limit else []


_nobody: list[str] = []


def _nobodys_password() -> str:
    if not _nobody:
        _nobody.append(make_password(secrets.token_urlsafe()))
    return _nobody[0]


# ------------------------------------------------------------------------------------------------------ accounts
@dataclass(frozen=True)
class Account:
    """What a new member of staff gets once: nobody can look it up again."""

    email: str
    password: str
    otpauth: str


ROLES = ("support", "compliance", "finance", "auditor", "administrator")


def create_staff(
    *,
    email: str,
    roles: Iterable[str] = (),
    password: str | None = None,
    secret: bytes | None = None,
    renew: bool = False,
    hasher: BasePasswordHasher | str = "default",
) -> Account:
    """A member of staff with a new password and authenticator; `renew` gives new ones to somebody who is there,
    and takes their security keys away.

    They have these `roles` from then on, besides those that they had: without any they see the site and do nothing.
    A changed password ends their sessions. Another `hasher` is for a local run alone.

    Runs as the worker. Raises ValidationError; Conflict when the e-mail is
    taken, NotFound when there is nobody to renew.
    """
    email, roles = _checked(email, roles)
    password, secret = password or secrets.token_urlsafe(18), secret or new_secret()
    with actor(SYSTEM):
        user = User.objects.filter(email=email).first()
        if user is not None and not renew:
            raise Conflict(f"{email} is on the staff already.")
        if user is None and renew:
            raise NotFound(f"{email} is not on the staff.")
        if user is None:
            user = User(public_id=new_id("usr"), kind=User.STAFF, email=email)
        user.password = make_password(password, hasher=hasher)
        user.save(update_fields=["password"] if renew else None)
        SecurityKey.objects.filter(user=user).delete()
        Invitation.objects.filter(user=user).delete()
        _give_authenticator(user, secret)
        _give_roles(user, roles)
    return Account(email, password, otpauth_url(email, secret))


def _checked(email: str, roles: Iterable[str]) -> tuple[str, set[str]]:
    """Both as they are kept. Raises ValidationError."""
    email, roles = email.strip().lower(), set(roles)
    if "@" not in email or has_control(email):
        raise ValidationError(fields={"email": "This is no e-mail address."})
    if unknown := roles - set(ROLES):
        raise ValidationError(fields={"role": f"There is no role {', '.join(sorted(unknown))}: {', '.join(ROLES)}."})
    return email, roles


def new_secret() -> bytes:
    """What an authenticator app and we know, and nobody else."""
    return secrets.token_bytes(20)


def _sealed(user: User, secret: bytes) -> bytes:
    """The secret as it is kept, under a data key of the member's own."""
    keyring.ensure_person_key(user.pk)
    return keyring.encrypt_for(user.pk, SECRET, user.public_id, secret.hex())


def _give_authenticator(user: User, secret: bytes) -> None:
    given = {"secret": _sealed(user, secret), "last_step": -1, "name": "Authenticator app", "confirmed": True}
    Authenticator.objects.update_or_create(user=user, defaults=given)


def _give_roles(user: User, roles: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into console_staffrole (user_id, role) select %s, r from unnest(%s::text[]) r on conflict do nothing",
            [user.pk, sorted(roles)],
        )


def otpauth_url(email: str, secret: bytes) -> str:
    """What an authenticator app takes in, as text or as a QR code."""
    query = urlencode({"secret": b32encode(secret).decode().rstrip("="), "issuer": "PaYa"})
    return f"otpauth://totp/{quote(f'PaYa:{email}')}?{query}"


# ---------------------------------------------------------------------------------------- from the site, by others
def add_member(*, email: str, roles: Iterable[str], staff_id: int, reason: str) -> str:
    """Somebody new on the staff, who enrols by themselves; the answer is the token of their link, which is in no table.

    Raises ValidationError, Conflict when the e-mail is taken, Forbidden.
    """
    email, roles = _checked(email, roles)
    if not roles:
        raise ValidationError(fields={"roles": "Please choose at least one role."})
    token = secrets.token_urlsafe(32)
    call("console_add_member", [new_id("usr"), email, sorted(roles), _digest(token), reason_of(reason)], staff_id=staff_id)
    return token


def reset_member(*, member: str, staff_id: int, reason: str) -> str:
    """This member's authenticator and keys open nothing any more; the token of the link by which they enrol anew.

    Whoever has a password needs it for that link as well. Raises NotFound, Conflict, Forbidden.
    """
    token = secrets.token_urlsafe(32)
    call("console_reset_member", [member, _digest(token), reason_of(reason)], staff_id=staff_id)
    return token


def email_of_new(email: str) -> str:
    """The e-mail as it is kept. Raises ValidationError where it is none, or somebody's on the staff."""
    email, _ = _checked(email, ())
    if _staff(email, None) is not None:
        raise ValidationError(fields={"email": "This e-mail is on the staff already."})
    return email


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True)
class Invited:
    """Whose link it is, and whether they have a password already."""

    member: User
    has_password: bool


def invited(token: str) -> Invited | None:
    """Who enrols by this link, while it is good."""
    with connection.cursor() as cursor:
        cursor.execute("select id, has_password from console_invited(%s)", [_digest(token)])
        row = cursor.fetchone()
    user = staff_by_id(row[0]) if row else None
    return Invited(user, row[1]) if user else None


def join(*, token: str, password: str, secret: bytes, code: str, address: str) -> User:
    """Enrol this authenticator, which shows this code now, by a link; with a new password, or the one that they have.

    The answer is the member, who is in with that. Raises Unauthenticated, RateLimited, Conflict when the link is good no more.
    """
    found = invited(token)
    if found is None:
        raise Conflict(LINK_IS_GONE)
    user = found.member
    attempt = _count_log_in(str(user.email), address)
    if found.has_password and not check_password(password, user.password):
        raise Unauthenticated(_WRONG_TO_JOIN)
    step = step_of(secret, code, after=-1)
    if step is None:
        raise Unauthenticated(_WRONG_TO_JOIN)
    hashed = None if found.has_password else make_password(password)
    user.password = hashed or user.password
    try:
        with actor(user.pk):
            call("console_join", [_digest(token), _sealed(user, secret), step, hashed, _BY_LINK], staff_id=user.pk)
            user.otp_device = Authenticator.objects.get(user_id=user.pk)  # type: ignore[attr-defined]
    except Forbidden as refusal:  # all their roles were taken away meanwhile
        raise Conflict(LINK_IS_GONE) from refusal
    LogInTry.objects.filter(pk=attempt.pk).update(succeeded=True)
    return user


def set_roles(*, member: str, roles: Iterable[str], staff_id: int, reason: str) -> None:
    """All the roles that this member of staff (a public id) has from now on. Raises NotFound, Conflict, Forbidden."""
    call("console_set_roles", [member, sorted(roles), reason_of(reason)], staff_id=staff_id)


def set_active(*, member: str, active: bool, staff_id: int, reason: str) -> None:
    """Whether this member of staff may come in. It holds from their next request on. Raises NotFound, Conflict, Forbidden."""
    call("console_set_active", [member, active, reason_of(reason)], staff_id=staff_id)


# --------------------------------------------------------------------------------------------------------- looks
@dataclass(frozen=True)
class Seen:
    """What of a private payment is only shown with a reason."""

    amount: int
    note: str


def look_at_payment(*, staff_id: int, payment: str, reason: str) -> Seen:
    """Amount and note of a payment, and the record that this member of staff looked, and why.

    Runs with them as actor. Raises ValidationError without a reason, NotFound for no payment.
    """
    reason = " ".join(reason.split())
    if not 10 <= len(reason) <= 500:
        raise ValidationError(fields={"reason": "Please say why, in 10 to 500 characters: it is kept with your name."})
    with actor(staff_id), connection.cursor() as cursor:
        cursor.execute("select v.amount, v.note from payments_view_as_staff(%s, %s, %s) v", [staff_id, payment, reason])
        row = cursor.fetchone()
        if row is None:
            raise NotFound
    return Seen(*row)
