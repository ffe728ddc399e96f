"""The product's addresses, and beside them what they are measured against."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from paya.urls import handler400, handler404, handler500
from paya.urls import urlpatterns as product

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]


class NoopView(APIView):
    """An endpoint with the product's authentication, permission and renderer that does nothing."""

    def get(self, request: Request) -> Response:
        return Response({"ok": True})


urlpatterns = [path("v1/bench/noop", NoopView.as_view()), *product]
