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
        claims = claims_of(request._request)
        return (_session(claims), None) if claims else None

    def authenticate_header(self, request: HttpRequest) -> str:
        return 'Bearer realm="paya"'


def claims_of(request: HttpRequest) -> tokens.Claims | None:
    """What the request's bearer token says, read once; None without one. Raises SessionEnded for one that is not good."""
    if not hasattr(request, "paya_claims"):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        request.paya_claims = tokens.read_access_token(token.strip()) if scheme.lower() == "bearer" else None  # type: ignore[attr-defined]
    claims: tokens.Claims | None = request.paya_claims  # type: ignore[attr-defined]
    return claims


def _session(claims: tokens.Claims) -> Session:
    """Who a token stands for; raises SessionEnded when its device is no longer good."""
    access = services.access(device_public_id=claims.device_public_id)
    if access is None or access.session.user_public_id != claims.user_public_id:
        raise SessionEnded
    return access.session
