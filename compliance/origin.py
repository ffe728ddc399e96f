"""Where a request to move money comes from, for the score."""

from django.http import HttpRequest

from compliance.movement import Origin
from core.identity import Session
from users.addresses import client_address


def origin_of(request: HttpRequest, session: Session) -> Origin:
    return Origin(session.device_id, client_address(request))
