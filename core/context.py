"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    return {"live_url": settings.LIVE_URL, "sandbox_url": settings.SANDBOX_URL or None}
