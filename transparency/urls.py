from django.urls import path

from transparency import api, pages

api_urlpatterns = [path("transparency", api.TransparencyView.as_view()), path("status", api.StatusView.as_view())]
page_urlpatterns = [path("transparency", pages.transparency), path("status", pages.service_status)]
