"""The bearer token of the API. A page's cookie counts for nothing here."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core.identity import Session
from users import services, tokens
from users.errors import SessionEnded


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>` of a device that has not been revoked since."""

    def authenticate(self, request: Request) -> tuple[Session, None] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return session_of_token(token.strip()), None

    def authenticate_header(self, request: HttpRequest) -> str:
        return 'Bearer realm="paya"'


def session_of_token(token: str) -> Session:
    """Who an access token stands for; raises SessionEnded when it or its device is no longer good."""
    claims = tokens.read_access_token(token)
    access = services.access(device_public_id=claims.device_public_id)
    if access is None or access.session.user_public_id != claims.user_public_id:
        raise SessionEnded
    return access.session
