from django.urls import path

from payments import api, pages

api_urlpatterns = [
    path("payments", api.PaymentsView.as_view()),
    path("payments/<str:payment>", api.PaymentView.as_view()),
    path("payments/<str:payment>/cancel", api.CancelView.as_view()),
    path("feed", api.FeedView.as_view()),
]
page_urlpatterns = [
    path("pay", pages.pay),
    path("pay/payee", pages.payee),
    path("pay/people", pages.people),
    path("payments/<str:payment>", pages.detail),
    path("payments/<str:payment>/private", pages.make_private),
    path("payments/<str:payment>/cancel", pages.cancel),
    path("feed", pages.feed),
]
