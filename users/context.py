"""What every template knows of who is looking."""

from typing import Any

from django.http import HttpRequest


def person(request: HttpRequest) -> dict[str, Any]:
    """`person`: None, or {id, username, display_name, initial} (names are None before the welcome page)."""
    session = getattr(request, "person", None)
    if session is None:
        return {"person": None}
    profile = request.profile  # type: ignore[attr-defined]
    name = profile.display_name if profile else None
    return {
        "person": {
            "id": session.user_public_id,
            "username": profile.username if profile else None,
            "display_name": name,
            "initial": name[0].upper() if name else "",
        }
    }
