from django.urls import path

from transparency import api, pages
from transparency import attestation_api as attestations

api_urlpatterns = [
    path("transparency", api.TransparencyView.as_view()),
    path("transparency/attestations", attestations.AttestationsView.as_view()),
    path("transparency/attestations/<str:name>", attestations.AttestationView.as_view()),
    path("transparency/chain", attestations.ChainView.as_view()),
    path("transparency/key", attestations.KeyView.as_view()),
    path("proof", attestations.ProofView.as_view()),
    path("proof/secret", attestations.EnrolmentView.as_view()),
    path("proof/complaint", attestations.ComplaintView.as_view()),
    path("status", api.StatusView.as_view()),
]
page_urlpatterns = [path("transparency", pages.transparency), path("status", pages.service_status)]
