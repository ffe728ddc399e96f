from django.urls import path

from home import pages

page_urlpatterns = [path("", pages.index), path("home", pages.index), path("settings", pages.settings)]
