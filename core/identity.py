"""Who is behind a request, as pages and the API carry it: ids only, from a verified token or page session."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Session:
    user_id: int
    user_public_id: str
    device_id: int

    is_authenticated = True
