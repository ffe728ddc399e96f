"""One prefix per vendor, as the product's base URLs name them; the sandbox's own controls and pages beside."""

from django.urls import include, path, re_path

from sandbox import control, dwolla, pages, plaid, twilio

urlpatterns = [
    *pages.urlpatterns,
    path("sandbox/", include(control.urlpatterns)),
    path("twilio/", include(twilio.urlpatterns)),
    path("plaid/", include(plaid.urlpatterns)),
    path("dwolla", dwolla.resource(get=dwolla.root_get)),
    re_path(r"^dwolla/(?:dwolla/|/)*", include(dwolla.urlpatterns)),
]
