"""Where a request to move money comes from, for the score."""

from django.http import HttpRequest

from compliance.movement import Origin
from core.identity import Session
from users.addresses import client_address
from users.regions import country_of


def origin_of(request: HttpRequest, session: Session) -> Origin:
    """The device and the country, looked up here: under the payer's guard nothing reads a file."""
    return Origin(session.device_id, country_of(client_address(request)))
