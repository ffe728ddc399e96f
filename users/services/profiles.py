"""The name that a person goes by, and how public their payments are unless they say otherwise."""

import unicodedata

from django.db import IntegrityError, transaction

from core import keyring
from core.actor import actor
from core.api import has_control, is_visible
from core.errors import ValidationError
from users import queries, usernames
from users.database import call
from users.errors import UsernameAlreadySet, UsernameTaken
from users.models import NAME_MAX, Profile, User


def welcome(*, user_id: int, username: str, display_name: str, default_visibility: str) -> queries.Me:
    """First entry: all three are chosen, none is guessed. See `update_profile` for what it raises."""
    return update_profile(user_id=user_id, username=username, display_name=display_name, default_visibility=default_visibility)


def update_profile(
    *,
    user_id: int,
    username: str | None = None,
    display_name: str | None = None,
    default_visibility: str | None = None,
) -> queries.Me:
    """Change what is given. The username is set once: the same again is fine.

    Who sets a username without a name goes by the username. Raises ValidationError per field,
    UsernameAlreadySet, UsernameTaken.
    """
    username = None if username is None else usernames.normalise(username)
    display_name = None if display_name is None else unicodedata.normalize("NFC", display_name).strip()
    _check(username, display_name, default_visibility)
    with actor(user_id):
        # Two welcome forms of one person queue up here.
        User.objects.select_for_update(no_key=True).only("id").get(id=user_id)
        _save_profile(user_id, username, display_name)
        if default_visibility is not None:
            User.objects.filter(id=user_id).update(default_visibility=default_visibility)
        return queries.me(user_id=user_id)


def check_username(*, username: str, user_id: int) -> str | None:
    """Why this person cannot have this username, in a sentence; None when it is free."""
    username = usernames.normalise(username)
    refusal = usernames.refusal(username)
    if refusal is None:
        holder = queries.profile_by_username(username=username)
        if (holder is not None and holder.user_id != user_id) or _is_gone(username):
            refusal = _taken(username)
    return refusal


def _check(username: str | None, display_name: str | None, default_visibility: str | None) -> None:
    refused = {
        "username": None if username is None else usernames.refusal(username),
        "display_name": None if display_name is None else _name_refusal(display_name),
        "default_visibility": "Please choose one of the two."
        if default_visibility not in (None, User.PUBLIC, User.PRIVATE)
        else None,
    }
    fields = {name: sentence for name, sentence in refused.items() if sentence}
    if fields:
        raise ValidationError(fields=fields)


def _name_refusal(name: str) -> str | None:
    if not name:
        return "Please say what people should call you."
    if len(name) > NAME_MAX:
        return f"A name has at most {NAME_MAX} characters."
    if has_control(name) or not is_visible(name):
        return "This name has characters that cannot be shown."
    if "@" in unicodedata.normalize("NFKC", name):
        return "A name has no @: people find you by your @username."
    if usernames.poses_as_us(name):
        return "This name could be taken for PaYa's own. Please use yours."
    return None


def _save_profile(user_id: int, username: str | None, display_name: str | None) -> None:
    profile = Profile.objects.filter(user_id=user_id).first()
    if profile is None:
        if username is not None:
            _make_profile(user_id, username, display_name or username)
        elif display_name is not None:
            raise ValidationError(fields={"username": "Please choose a @username first."})
        return
    if username not in (None, profile.username):
        raise UsernameAlreadySet(fields={"username": f"Your @username is @{profile.username}, and stays."})
    if display_name not in (None, profile.display_name):
        Profile.objects.filter(user_id=user_id).update(display_name=display_name)


def _make_profile(user_id: int, username: str, display_name: str) -> None:
    if _is_gone(username):
        raise UsernameTaken(_taken(username), fields={"username": _taken(username)})
    try:
        with transaction.atomic():
            Profile(user_id=user_id, username=username, display_name=display_name).save(force_insert=True)
    except IntegrityError as error:
        raise UsernameTaken(_taken(username), fields={"username": _taken(username)}) from error


def _is_gone(username: str) -> bool:
    """Whether somebody who was erased went by it: whoever paid them must not pay somebody else by that name."""
    row = call("users_name_is_gone", [keyring.blind_index("username", username)])
    return bool(row and row[0])


def _taken(username: str) -> str:
    return f"@{username} is taken."
