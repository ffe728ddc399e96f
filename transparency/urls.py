from django.urls import path

from core.publishing import published
from transparency import api, pages, proof_pages
from transparency import attestation_api as attestations
from transparency.dashboard import LIVE_SECONDS, SERIES_SECONDS

api_urlpatterns = [
    path("transparency", published(LIVE_SECONDS)(api.TransparencyView.as_view())),
    path("transparency/series", published(SERIES_SECONDS)(api.SeriesView.as_view())),
    path("transparency/attestations", published(LIVE_SECONDS)(attestations.AttestationsView.as_view())),
    path("transparency/attestations/<str:name>", attestations.AttestationView.as_view()),
    path("transparency/chain", published(LIVE_SECONDS)(attestations.ChainView.as_view())),
    path("transparency/key", attestations.KeyView.as_view()),
    path("payments/<str:payment>/receipt", attestations.ReceiptView.as_view()),
    path("proof", attestations.ProofView.as_view()),
    path("proof/secret", attestations.EnrolmentView.as_view()),
    path("proof/complaint", attestations.ComplaintView.as_view()),
    path("status", api.StatusView.as_view()),
]
page_urlpatterns = [
    path("transparency", pages.transparency),
    path("transparency/live", published(LIVE_SECONDS)(pages.live)),
    path("transparency/charts", published(SERIES_SECONDS)(pages.charts)),
    path("transparency/figures.csv", published(LIVE_SECONDS)(pages.figures_csv)),
    path("transparency/days.csv", published(SERIES_SECONDS)(pages.days_csv)),
    path("transparency/attestations", proof_pages.attestations),
    path("transparency/paya-verify", proof_pages.verifier),
    path("transparency/proof", proof_pages.proof),
    path("transparency/proof/facts", proof_pages.facts),
    path("transparency/proof/mine", proof_pages.my_proof),
    path("transparency/proof/secret", proof_pages.secret),
    path("transparency/proof/complaint", proof_pages.complaint),
    path("payments/<str:payment>/receipt", proof_pages.receipt),
    path("status", pages.service_status),
]
