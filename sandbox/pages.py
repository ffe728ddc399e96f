"""The pages for people."""

urlpatterns: list = []
