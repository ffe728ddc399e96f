from django.urls import path

from banking import api, identity_api, identity_pages, pages, webhooks, withdrawing

api_urlpatterns = [
    path("bank-accounts/link-token", api.LinkToken.as_view()),
    path("bank-accounts", api.BankAccounts.as_view()),
    path("bank-accounts/<str:account_id>", api.BankAccountDetail.as_view()),
    path("bank-accounts/<str:account_id>/relink", api.BankAccountRelink.as_view()),
    path("identity", identity_api.Identity.as_view()),
    path("loads", api.Loads.as_view()),
    path("loads/<str:transfer_id>", api.LoadDetail.as_view()),
    path("loads/<str:transfer_id>/again", api.LoadAgain.as_view()),
    path("loads/<str:transfer_id>/cancel", api.LoadCancel.as_view()),
    path("redemptions", api.Redemptions.as_view()),
    path("redemptions/<str:transfer_id>", api.RedemptionDetail.as_view()),
    path("redemptions/<str:transfer_id>/cancel", api.RedemptionCancel.as_view()),
    path("withdrawals", withdrawing.Withdrawals.as_view()),
    path("withdrawals/<str:withdrawal>/cancel", withdrawing.WithdrawalCancel.as_view()),
]

page_urlpatterns = [
    path("banks", pages.banks),
    path("banks/link", pages.link),
    path("banks/linked", pages.linked),
    path("banks/oauth", pages.oauth),
    path("banks/tell-me", pages.tell_me),
    path("banks/<str:account_id>/relink", pages.relink),
    path("banks/<str:account_id>/default", pages.choose_default),
    path("banks/<str:account_id>/remove", pages.remove),
    path("identity", identity_pages.identity),
    path("load", pages.load),
    path("redeem", pages.redeem),
    path("withdraw", withdrawing.withdraw),
    path("withdraw/<str:withdrawal>/cancel", withdrawing.cancel),
    path("loads/<str:transfer_id>", pages.load_detail),
    path("redemptions/<str:transfer_id>", pages.redemption_detail),
    path("loads/<str:transfer_id>/again", pages.load_again),
    path("loads/<str:transfer_id>/cancel", pages.load_cancel),
    path("redemptions/<str:transfer_id>/cancel", pages.redemption_cancel),
]

webhook_urlpatterns = [
    path("webhooks/dwolla", webhooks.dwolla),
    path("webhooks/plaid", webhooks.plaid_),
    path("webhooks/twilio", webhooks.twilio),
    path("webhooks/stripe", webhooks.stripe_),
]
