from django.urls import path

from transparency import api, pages

api_urlpatterns = [path("transparency", api.TransparencyView.as_view())]
page_urlpatterns = [path("transparency", pages.transparency)]
