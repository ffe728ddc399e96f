from django.urls import path

from users import api, openapi, pages  # noqa: F401  (openapi registers itself)

api_urlpatterns = [
    path("auth/otp", api.Otp.as_view()),
    path("auth/token", api.Token.as_view()),
    path("auth/refresh", api.Refresh.as_view()),
    path("auth/logout", api.Logout.as_view()),
    path("me", api.Me.as_view()),
    path("me/terms", api.Terms.as_view()),
    path("devices", api.Devices.as_view()),
    path("devices/logout-everywhere", api.LogoutEverywhere.as_view()),
    path("devices/<str:device>", api.OneDevice.as_view()),
    path("users", api.Users.as_view()),
]

page_urlpatterns = [
    path("login", pages.login),
    path("login/code", pages.code),
    path("login/resend", pages.resend),
    path("welcome", pages.welcome),
    path("welcome/check", pages.welcome_check),
    path("logout", pages.logout),
    path("terms", pages.legal_page, {"document": "terms"}),
    path("privacy", pages.legal_page, {"document": "privacy"}),
    path("terms/accept", pages.accept_terms),
    path("terms/<int:number>", pages.legal_version, {"document": "terms"}),
    path("privacy/<int:number>", pages.legal_version, {"document": "privacy"}),
    path("settings/devices", pages.devices),
    path("settings/devices/logout-everywhere", pages.logout_everywhere),
    path("settings/devices/<str:device>/logout", pages.logout_device),
]
