"""All addresses of the product, and one that is broken on purpose in two ways which fuzzing has to find."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Serializer, validated
from paya.urls import handler400, handler404, handler500
from paya.urls import urlpatterns as _real

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]


class BrokenIn(Serializer):
    count = serializers.IntegerField()


class BrokenOut(Serializer):
    share = serializers.IntegerField()


class BrokenView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(request=BrokenIn, responses=BrokenOut, auth=[])
    def post(self, request: Request) -> Response:
        """Divides by what it is given, and describes negative answers wrongly."""
        share = 100 // validated(BrokenIn, request)["count"]
        return Response({"share": share if share >= 0 else "less than nothing"})


urlpatterns = [path("v1/broken", BrokenView.as_view()), *_real]
