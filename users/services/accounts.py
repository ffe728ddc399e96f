"""Opening a person's account."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from core import keyring
from core.actor import actor
from core.errors import PayaError
from core.ids import new_id
from core.outbox import emit
from users import phones, sealed
from users.database import call
from users.models import User
from users.services.terms import accept_at_sign_up

SignupHandler = Callable[[int], None]


@dataclass(frozen=True)
class Person:
    id: int
    public_id: str
    is_active: bool


_handlers: list[SignupHandler] = []


def on_signup(handler: SignupHandler) -> SignupHandler:
    """Register `handler(user_id)` of an upper room, run as the new person in the sign-up's transaction."""
    if handler not in _handlers:
        _handlers.append(handler)
    return handler


def sign_up(*, phone: str) -> Person:
    """The person with this phone, made now if there is none yet. Asking for a code is the callers' business.

    Raises ValidationError for a number that we do not serve.
    """
    e164 = phones.parse(phone)
    with transaction.atomic():
        return person_with(phone=e164, index=keyring.phone_index(e164))


def person_with(*, phone: str, index: bytes, refusal: PayaError | None = None) -> Person:
    """Find or make the person in the running transaction, whose lock on the phone lets nobody in between.

    Where one would have to be made, raises `refusal` if there is one.
    """
    call("users_lock_phone", [index])
    found = call("users_person_by_phone", [index])
    if found:
        return Person(*found)
    if refusal is not None:
        raise refusal
    return _make(phone, index)


def _make(phone: str, index: bytes) -> Person:
    """The person's row names its own id, so that the row policy can tell that it is theirs."""
    person = Person(_next_id(), new_id("usr"), is_active=True)
    with actor(person.id):
        keyring.create_person_key(person.id)
        User(
            id=person.id,
            public_id=person.public_id,
            kind=User.PERSON,
            phone_index=index,
            phone_cipher=keyring.encrypt_for(person.id, sealed.PHONE, person.public_id, phone),
            password=make_password(None),
        ).save(force_insert=True)
        accept_at_sign_up(person.id)
        for handler in _handlers:
            handler(person.id)
        emit("user.signed_up", user=person.id)
    return person


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select nextval('users_user_id_seq')")
        return int(cursor.fetchone()[0])
