"""The two tokens of the API: a short signed access token, and a refresh token that is replaced at each use.

The child of a refresh token is derived from it under a server key, so that a retry within the grace period
gets the very same child although only hashes are stored (DESIGN: requests).
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

import jwt
from django.conf import settings

from core import clock
from users.errors import SessionEnded

ISSUER = "paya"
AUDIENCE = "paya-api"
ALGORITHM = "HS256"
_CLAIMS = ["iss", "aud", "sub", "dev", "iat", "exp"]


@dataclass(frozen=True)
class Claims:
    user_public_id: str
    device_public_id: str


def access_token(*, user_public_id: str, device_public_id: str) -> str:
    """A JWT for JWT_ACCESS_SECONDS; it names public ids only, for its bearer can read it."""
    now = clock.now()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user_public_id,
        "dev": device_public_id,
        "iat": now,
        "exp": now + timedelta(seconds=settings.JWT_ACCESS_SECONDS),
    }
    return jwt.encode(claims, _key(), algorithm=ALGORITHM)


def read_access_token(token: str) -> Claims:
    """Whose token this is; raises SessionEnded when it is not ours, not for this API, altered or expired."""
    try:
        claims = jwt.decode(
            token,
            _key(),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": _CLAIMS},
        )
    except jwt.InvalidTokenError as error:
        raise SessionEnded from error
    return Claims(str(claims["sub"]), str(claims["dev"]))


def new_refresh_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def child_of(refresh_token: str) -> str:
    """The one token that replaces this one; nobody can compute it without the server's key."""
    digest = hmac.new(_key(), b"refresh-child|" + refresh_token.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def token_hash(refresh_token: str) -> bytes:
    """What is stored of a refresh token. A plain hash will do: there are 256 bits to guess."""
    return hashlib.sha256(refresh_token.encode()).digest()


def _key() -> bytes:
    return bytes.fromhex(settings.JWT_KEY)
