from django.urls import path

from privacy import api, pages

api_urlpatterns = [
    path("me/export", api.Exports.as_view()),
    path("me/export/<str:export_id>", api.OneExport.as_view()),
    path("me/export/<str:export_id>/file", api.ExportFile.as_view()),
    path("me/close", api.Close.as_view()),
]

page_urlpatterns = [
    path("settings/privacy", pages.privacy),
    path("settings/privacy/copy", pages.ask_copy),
    path("settings/privacy/copy/state", pages.copy_state),
    path("settings/privacy/copy/<str:export_id>", pages.copy_file),
    path("settings/privacy/close", pages.close),
    path("settings/privacy/keep", pages.keep),
]
