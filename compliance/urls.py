from django.urls import URLPattern, path

from compliance.api import letters as letters_api
from compliance.api import tiers as tiers_api
from compliance.pages import letters, tiers

api_urlpatterns: list[URLPattern] = [
    path("messages", letters_api.MessagesView.as_view()),
    path("messages/<str:letter>", letters_api.MessageView.as_view()),
    path("messages/<str:letter>/read", letters_api.MessageReadView.as_view()),
    path("limits", tiers_api.Limits.as_view()),
    path("documents", tiers_api.Documents.as_view()),
    path("documents/<str:document_id>", tiers_api.DocumentDetail.as_view()),
]
page_urlpatterns: list[URLPattern] = [
    path("messages", letters.messages),
    path("messages/read", letters.all_read),
    path("messages/<str:letter>", letters.message),
    path("messages/<str:letter>/read", letters.read),
    path("limits", tiers.limits),
    path("identity/documents", tiers.identity_documents),
]
