"""Devices, and the tokens that they carry: opening, refreshing, ending.

A device is the family: its row is the lock under which tokens are rotated, and revoking it ends its page
session and all of its tokens, access tokens included, at once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from core import clock
from core.actor import actor
from core.api import has_control
from core.errors import NotFound
from core.identity import Session
from core.ids import new_id
from core.outbox import emit
from users import addresses, tokens
from users.database import call
from users.errors import SessionEnded
from users.models import Device, Profile, RefreshToken, User
from users.services.accounts import Person

log = logging.getLogger("paya.users")

# A phone that lost the answer asks again with the token it still has: that soon, it is no theft.
GRACE = timedelta(seconds=10)


@dataclass(frozen=True)
class Opened:
    """A device that has just been opened; with a refresh token when one was asked for."""

    session: Session
    device_public_id: str
    pair: "Pair | None"


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True)
class Access:
    """Who is behind a live device, and what others see of them (None before the welcome page)."""

    session: Session
    profile: Profile | None


def open_device(*, person: Person, name: str, user_agent: str, address: str, with_tokens: bool) -> Opened:
    """A new device of this person, in the running transaction of the code that opened it."""
    with actor(person.id):
        device = Device.objects.create(
            public_id=new_id("dev"),
            user_id=person.id,
            name=_one_line(name, 60) or "A browser",
            user_agent=_one_line(user_agent, 200),
            network=addresses.network(address),
        )
        pair = _first_pair(person, device) if with_tokens else None
    return Opened(Session(person.id, person.public_id, device.id), device.public_id, pair)


def access(*, device_public_id: str) -> Access | None:
    """Who is behind this device; None when it was revoked or its person's account is closed."""
    row = call("users_device_session", [device_public_id])
    if row is None:
        return None
    device_id, user_id, user_public_id, username, display_name, created_at = row
    profile = None
    if username is not None:
        columns = ["user_id", "username", "display_name", "created_at"]
        profile = Profile.from_db("default", columns, [user_id, username, display_name, created_at])
    return Access(Session(user_id, user_public_id, device_id), profile)


def refresh(*, token: str) -> Pair:
    """A new pair for a refresh token. Within GRACE the same old token gets the same new one.

    Raises SessionEnded; for a token that was used longer ago, after the whole family has been revoked.
    """
    owner = _owner(token)
    if owner is None:
        raise SessionEnded
    with actor(owner):
        pair = _rotate(token)
    if pair is None:
        raise SessionEnded
    return pair


def logout(*, token: str) -> None:
    """End the family of a refresh token. A token that is nobody's has nothing to end."""
    owner = _owner(token)
    if owner is None:
        return
    with actor(owner):
        device = Device.objects.get(tokens__token_hash=tokens.token_hash(token))
    revoke_device(user_id=owner, device_id=device.id)


def revoke_device(*, user_id: int, device_id: int) -> None:
    """End a device of this person, everywhere at once; again, nothing happens."""
    with actor(user_id):
        _revoke(Device.objects.filter(id=device_id, user_id=user_id))


def log_out_device(*, user_id: int, device_public_id: str) -> int:
    """End the device of this id; its number. Raises NotFound when this person has no such device logged in."""
    with actor(user_id):
        ended = _revoke(Device.objects.filter(public_id=device_public_id, user_id=user_id))
    if not ended:
        raise NotFound("This device is not logged in.")
    return ended[0]


def log_out_everywhere(*, user_id: int, but: int | None = None) -> int:
    """End all devices of this person, or all but one; how many."""
    with actor(user_id):
        devices = Device.objects.filter(user_id=user_id)
        return len(_revoke(devices if but is None else devices.exclude(id=but)))


def close_account(*, user_id: int) -> None:
    """Nobody logs in as this person any more, and whatever was logged in is over. As SYSTEM, in the caller's transaction."""
    _revoke(Device.objects.filter(user_id=user_id))
    User.objects.filter(id=user_id).update(is_active=False)


def _revoke(devices: QuerySet[Device]) -> list[int]:
    """End those that are live, and have their open connections closed; in the running transaction.

    Pages and tokens ask for the device each time, so they are over with the commit; sockets learn it by the event.
    """
    live = list(devices.filter(revoked_at=None).select_for_update(no_key=True).order_by("id").values_list("id", "user_id"))
    Device.objects.filter(id__in=[device for device, _ in live]).update(revoked_at=Now())
    for device, user in live:
        emit("device.revoked", user=user, device=device)
    return [device for device, _ in live]


def _owner(token: str) -> int | None:
    row = call("users_refresh_owner", [tokens.token_hash(token)])
    return row[0] if row else None


def _first_pair(person: Person, device: Device) -> Pair:
    token = tokens.new_refresh_token()
    expires_at = clock.now() + timedelta(seconds=settings.JWT_REFRESH_SECONDS)
    RefreshToken.objects.create(user_id=person.id, device=device, token_hash=tokens.token_hash(token), expires_at=expires_at)
    return _pair(person.public_id, device, token)


def _rotate(token: str) -> Pair | None:
    """Under the lock of the device: the first to come makes the child, those right behind it get the same."""
    family = Device.objects.select_related("user").select_for_update(of=("self",), no_key=True)
    device = family.get(tokens__token_hash=tokens.token_hash(token))
    parent = device.tokens.get(token_hash=tokens.token_hash(token))
    now, child = clock.now(), tokens.child_of(token)
    if device.revoked_at or not device.user.is_active or parent.expires_at <= now:
        return None
    if parent.used_at is None:
        _replace(parent, child, now)
    elif now - parent.used_at > GRACE:
        log.warning("refresh_token_reused", extra={"device": device.public_id})
        _revoke(Device.objects.filter(id=device.id))
        return None
    return _pair(device.user.public_id, device, child)


def _replace(parent: RefreshToken, child: str, now: datetime) -> None:
    """The child inherits the expiry: however often refreshed, a family ends JWT_REFRESH_SECONDS after login."""
    RefreshToken.objects.filter(id=parent.id).update(used_at=now)
    RefreshToken.objects.create(
        user_id=parent.user_id,
        device_id=parent.device_id,
        parent=parent,
        token_hash=tokens.token_hash(child),
        expires_at=parent.expires_at,
    )


def _pair(user_public_id: str, device: Device, refresh_token: str) -> Pair:
    access_token = tokens.access_token(user_public_id=user_public_id, device_public_id=device.public_id)
    return Pair(access_token, refresh_token, settings.JWT_ACCESS_SECONDS)


def _one_line(text: str, length: int) -> str:
    """What a client says of itself, fit to be shown: no control characters, not too long."""
    return "".join(c for c in text if not has_control(c)).strip()[:length]
