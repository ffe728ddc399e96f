"""One prefix per vendor, as the product's base URLs name them; the sandbox's own controls and pages beside."""

from django.urls import include, path, re_path

from sandbox import control, mirror, pages, twilio
from sandbox.dwolla import urls as dwolla
from sandbox.dwolla.account import root_get
from sandbox.dwolla.frame import resource
from sandbox.plaid import urls as plaid
from sandbox.stripe import urls as stripe

urlpatterns = [
    *pages.urlpatterns,
    path("sandbox/", include(control.urlpatterns)),
    path("mirror/<str:file>", mirror.show),
    path("twilio/", include(twilio.urlpatterns)),
    path("plaid/", include(plaid.urlpatterns)),
    path("stripe/", include(stripe.urlpatterns)),
    path("dwolla", resource(get=root_get)),
    re_path(r"^dwolla/(?:dwolla/|/)*", include(dwolla.urlpatterns)),
]
handler404 = "sandbox.pages.no_such_page"
