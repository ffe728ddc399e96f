from django.urls import URLPattern, path

from compliance.api import letters as letters_api
from compliance.pages import letters

api_urlpatterns: list[URLPattern] = [
    path("messages", letters_api.MessagesView.as_view()),
    path("messages/<str:letter>", letters_api.MessageView.as_view()),
    path("messages/<str:letter>/read", letters_api.MessageReadView.as_view()),
]
page_urlpatterns: list[URLPattern] = [
    path("messages", letters.messages),
    path("messages/read", letters.all_read),
    path("messages/<str:letter>", letters.message),
    path("messages/<str:letter>/read", letters.read),
]
