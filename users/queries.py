"""Reads. What is everybody's to see needs no actor; what is the person's own does."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core import keyring
from core.actor import SYSTEM, actor
from users import phones, sealed, usernames
from users.models import Device, Profile, User

# What stands in the place of the @username of somebody who was erased, with twelve characters behind it.
CLOSED = "closed_"


@dataclass(frozen=True)
class Me:
    """A person as they see themselves; username and name are None before the welcome page."""

    id: str
    username: str | None
    display_name: str | None
    default_visibility: str | None
    created_at: datetime


def me(*, user_id: int) -> Me:
    with actor(user_id):
        user = User.objects.select_related("profile").get(id=user_id)
    profile = getattr(user, "profile", None)
    return Me(
        id=user.public_id,
        username=profile and profile.username,
        display_name=profile and profile.display_name,
        default_visibility=user.default_visibility,
        created_at=user.created_at,
    )


def phone_hint(*, user_id: int) -> str:
    """The last four digits of the person's own phone: "•••• 0142"."""
    with actor(user_id):
        user = User.objects.only("public_id", "phone_cipher").get(id=user_id)
        return phones.hint(keyring.decrypt_for(user_id, sealed.PHONE, user.public_id, bytes(user.phone_cipher or b"")))


def phone_of(*, user_id: int) -> str:
    """The person's own phone (E.164)."""
    with actor(user_id):
        user = User.objects.only("public_id", "phone_cipher").get(id=user_id)
        return keyring.decrypt_for(user_id, sealed.PHONE, user.public_id, bytes(user.phone_cipher or b""))


def is_phone_of(*, user_id: int, index: bytes) -> bool:
    """Whether this is the blind index of the person's own phone."""
    with actor(user_id):
        return User.objects.filter(id=user_id, phone_index=index).exists()


def phone(*, user_id: int) -> str:
    """A person's phone (E.164), for workers that write to them, or compare it with what their bank has."""
    with actor(SYSTEM):
        user = User.objects.only("public_id", "phone_cipher").get(id=user_id)
        return keyring.decrypt_for(user_id, sealed.PHONE, user.public_id, bytes(user.phone_cipher or b""))


def default_visibility(*, user_id: int) -> str | None:
    """How public this person's payments are unless they say otherwise; None before they have chosen."""
    with actor(user_id):
        value: str | None = User.objects.values_list("default_visibility", flat=True).get(id=user_id)
    return value


def profile_by_username(*, username: str) -> Profile | None:
    """Whoever goes by this name, typed with or without @ and in any case."""
    return Profile.objects.filter(username=usernames.normalise(username)).first() if "\x00" not in username else None


def profiles_by_ids(*, user_ids: Iterable[int]) -> dict[int, Profile]:
    """Profiles by user id; people who have not chosen a name yet are missing."""
    return Profile.objects.in_bulk(set(user_ids))


def search(*, prefix: str, limit: int = 20) -> list[Profile]:
    """People whose @username starts with this, in order of the alphabet; without those who close their account, or have."""
    prefix = usernames.normalise(prefix)
    if not re.fullmatch(r"[a-z0-9_]{1,20}", prefix):
        return []
    return list(Profile.objects.raw("select * from users_search(%s, %s)", [prefix, limit]))


def devices(*, user_id: int) -> list[Device]:
    """Where this person is logged in, the latest seen first."""
    with actor(user_id):
        return list(Device.objects.filter(user_id=user_id, revoked_at__isnull=True).order_by("-last_seen_at", "-id"))


def device_is_live(*, user_id: int, device_id: int) -> bool:
    """Whether this device of the person's has not been revoked."""
    with actor(user_id):
        return Device.objects.filter(id=device_id, user_id=user_id, revoked_at__isnull=True).exists()
