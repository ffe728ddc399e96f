"""GET /v1/transparency: what anybody may check, without a token."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from banking.reconciliation import queries as reconciliation
from core.api import Serializer
from transparency import queries, status


class TransparencySerializer(Serializer):
    reserve = serializers.IntegerField()
    circulation = serializers.IntegerField()
    ratio = serializers.FloatField(allow_null=True, help_text="Reserve over required; null without tokens")
    pool = serializers.IntegerField()
    active_users = serializers.IntegerField(allow_null=True, help_text="Null until the first weekly close")
    last_reconciliation = serializers.DateTimeField(allow_null=True, help_text="Null until the first reconciliation")


# `required` is also an argument of every field, so this one cannot be declared in the body of the class.
TransparencySerializer._declared_fields["required"] = serializers.IntegerField(
    help_text="Circulation, redemptions payable, rewards pool and suspense"
)


class TransparencyView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(responses=TransparencySerializer, auth=[])
    def get(self, request: Request) -> Response:
        """Reserve, circulation and what is required, in cents, read in one statement."""
        figures = queries.figures()
        ratio = figures["ratio"]
        last = reconciliation.last()
        return Response({
            "reserve": figures["reserve"],
            "circulation": figures["circulation"],
            "required": figures["required"],
            "ratio": None if ratio is None else round(float(ratio) / 100, 4),
            "pool": figures["pool"],
            "active_users": None,
            "last_reconciliation": last.ran_at if last else None,
        })  # fmt: skip


class VendorSerializer(Serializer):
    name = serializers.CharField(help_text="The vendor")
    service = serializers.CharField(help_text="What people use it for")
    status = serializers.ChoiceField(["operational", "degraded", "down"])
    since = serializers.DateTimeField(allow_null=True, help_text="Since when it is down, or up again; null when neither was seen")


class StatusSerializer(Serializer):
    vendors = VendorSerializer(many=True)


class StatusView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(responses=StatusSerializer, auth=[])
    def get(self, request: Request) -> Response:
        """How the vendors are doing that loads, redemptions, linking and codes depend on. Payments need none of them."""
        vendors = [
            {"name": line.health.name, "service": line.service.name, "status": line.health.status, "since": line.health.since}
            for line in status.lines()
        ]
        return Response({"vendors": vendors})
