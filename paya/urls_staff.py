"""Every address of the staff's process. It serves nothing of the public site."""

from django.shortcuts import redirect
from django.urls import path

import console.admin  # noqa: F401  (registers the pages)
from console.site import site
from core import views

urlpatterns = [
    path("healthz", views.healthz),
    path("", lambda request: redirect("admin:index")),
    path("admin", lambda request: redirect("admin:index")),
    path("admin/", site.urls),
]
