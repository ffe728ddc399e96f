"""Accepting the terms of service and the privacy notice: at sign-up, and again when there is another version."""

from core.actor import actor
from core.errors import Conflict, NotFound
from users import legal
from users.models import Acceptance


def accept_at_sign_up(user_id: int) -> None:
    """In the transaction that makes the person: the pages and the API say that who goes on accepts the current versions."""
    _record(user_id, legal.current(), Acceptance.How.SIGN_UP)


def accept_terms(*, user_id: int, document: str, version: str) -> None:
    """Accept a version; again, nothing happens. Raises NotFound, and Conflict for a version that is no longer the newest."""
    newest = legal.find(document)
    if newest is None or legal.find(document, version) is None:
        raise NotFound
    if newest.version != version:
        raise Conflict("There is a newer version. Please read that one.")
    with actor(user_id):
        _record(user_id, [newest], Acceptance.How.AGAIN)


def outstanding_terms(*, user_id: int) -> list[legal.Version]:
    """The newest versions that this person has not accepted yet."""
    with actor(user_id):
        accepted = set(Acceptance.objects.filter(user_id=user_id).values_list("document", "version"))
    return [version for version in legal.current() if (version.document, version.version) not in accepted]


def acceptances(*, user_id: int) -> list[Acceptance]:
    """What this person has accepted and when, the oldest first."""
    with actor(user_id):
        return list(Acceptance.objects.filter(user_id=user_id).order_by("id"))


def _record(user_id: int, versions: list[legal.Version], how: str) -> None:
    rows = [
        Acceptance(user_id=user_id, document=each.document, version=each.version, digest=each.digest, how=how)
        for each in versions
    ]
    Acceptance.objects.bulk_create(rows, ignore_conflicts=True)
