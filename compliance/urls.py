from django.urls import URLPattern, path

from compliance.api import letters as letters_api
from compliance.api import support as support_api
from compliance.api import tiers as tiers_api
from compliance.pages import letters, support, tiers

api_urlpatterns: list[URLPattern] = [
    path("messages", letters_api.MessagesView.as_view()),
    path("messages/<str:letter>", letters_api.MessageView.as_view()),
    path("messages/<str:letter>/read", letters_api.MessageReadView.as_view()),
    path("limits", tiers_api.Limits.as_view()),
    path("documents", tiers_api.Documents.as_view()),
    path("documents/<str:document_id>", tiers_api.DocumentDetail.as_view()),
    path("tickets", support_api.TicketsView.as_view()),
    path("tickets/<str:ticket>", support_api.TicketView.as_view()),
    path("tickets/<str:ticket>/reply", support_api.TicketReplyView.as_view()),
    path("appeals", support_api.AppealsView.as_view()),
    path("disputes", support_api.DisputesView.as_view()),
    path("disputes/<str:dispute>", support_api.DisputeView.as_view()),
]
page_urlpatterns: list[URLPattern] = [
    path("messages", letters.messages),
    path("messages/read", letters.all_read),
    path("messages/<str:letter>", letters.message),
    path("messages/<str:letter>/read", letters.read),
    path("limits", tiers.limits),
    path("identity/documents", tiers.identity_documents),
    path("help", support.help_page),
    path("help/<str:ticket>", support.ticket),
    path("help/<str:ticket>/reply", support.reply),
    path("appeal", support.appeal),
    path("disputes/new", support.report),
    path("disputes/<str:dispute>", support.dispute),
]
