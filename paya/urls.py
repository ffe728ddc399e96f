"""Every address of the product, room by room."""

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

import banking.urls
import compliance.urls
import home.urls
import payments.urls
import privacy.urls
import rewards.urls
import transparency.urls
import users.urls
import wallets.urls
from core import views

handler400 = "core.views.bad_request"
handler404 = "core.views.not_found"
handler500 = "core.views.server_error"

_ROOMS = [users.urls, wallets.urls, compliance.urls, banking.urls, payments.urls, rewards.urls, transparency.urls, privacy.urls]
_API: list[URLPattern | URLResolver] = [url for room in _ROOMS for url in room.api_urlpatterns]
_PAGES: list[URLPattern | URLResolver] = [url for room in [*_ROOMS, home.urls] for url in room.page_urlpatterns]
# Swagger UI sets inline styles; this page alone may.
_docs = csp_update({"style-src": ["'unsafe-inline'"]})(SpectacularSwaggerSplitView.as_view(url_name="openapi"))


def _to_staff(request: HttpRequest) -> HttpResponse:
    """The staff's site is another process with rights of its own; locally, /admin leads there."""
    return redirect(f"{settings.STAFF_URL}/admin/")


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("metrics", views.metrics),
    path("v1/openapi.json", SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[]), name="openapi"),
    path("docs/api/", _docs),
    path("v1/", include(_API)),
    *banking.urls.webhook_urlpatterns,
    *_PAGES,
    *([re_path(r"^admin(?:/.*)?$", _to_staff)] if settings.STAFF_URL else []),
]
