from django.urls import path

from wallets import api, pages

api_urlpatterns = [
    path("wallet", api.WalletView.as_view()),
    path("wallet/transactions", api.TransactionsView.as_view()),
    path("wallet/balance", api.PastBalanceView.as_view()),
    path("live-ticket", api.LiveTicketView.as_view()),
]
page_urlpatterns = [
    path("activity", pages.activity),
    path("live-ticket", pages.live_ticket),
]
