"""GET /v1/transparency and what belongs to it: what anybody may check, without a token, from any site."""

from datetime import date, timedelta
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock
from core.api import Serializer, read_day
from core.errors import ValidationError
from transparency import dashboard, status

SERVICE_STATES = ["operational", "degraded", "down"]
_PER_FIGURE = "When each figure was read, by its name; null where there is none yet"


class LastRewardSerializer(Serializer):
    week = serializers.CharField(help_text="Such as 2026-W46")
    amount = serializers.IntegerField(help_text="All rewards of that week together, in cents")
    people = serializers.IntegerField()


class TransparencySerializer(Serializer):
    reserve = serializers.IntegerField()
    circulation = serializers.IntegerField()
    ratio = serializers.FloatField(allow_null=True, help_text="Reserve over required; null without tokens")
    pool = serializers.IntegerField(help_text="What the rewards pool holds")
    pool_so_far = serializers.IntegerField(allow_null=True, help_text="What the running week would give people; an estimate")
    active_users = serializers.IntegerField(allow_null=True, help_text="Null until the first weekly close")
    last_reward = LastRewardSerializer(allow_null=True, help_text="Null until the first weekly close")
    payments_today = serializers.IntegerField(help_text="Since 00:00 UTC")
    last_reconciliation = serializers.DateTimeField(allow_null=True, help_text="Null until the first reconciliation")
    reconciliation = serializers.ChoiceField(["clean", "accepted", "breaks", "unknown"], allow_null=True)
    service = serializers.ChoiceField(SERVICE_STATES, help_text="The worst of the services at /v1/status")
    as_of = serializers.DictField(child=serializers.DateTimeField(allow_null=True), help_text=_PER_FIGURE)


# `required` is also an argument of every field, so this one cannot be declared in the body of the class.
TransparencySerializer._declared_fields["required"] = serializers.IntegerField(
    help_text="Circulation, redemptions payable, rewards pool and suspense"
)


class PublicView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []


class TransparencyView(PublicView):
    @extend_schema(responses=TransparencySerializer, auth=[])
    def get(self, request: Request) -> Response:
        """Reserve, circulation and what is required, in cents, read in one statement; and how the network does."""
        figures = dashboard.live()
        ratio = figures["ratio"]
        shown = {name: figures[name] for name in TransparencySerializer._declared_fields if name != "ratio"}
        return Response(shown | {"ratio": None if ratio is None else round(float(ratio) / 100, 4)})


class SeriesSerializer(Serializer):
    name = serializers.ChoiceField(list(dashboard.SERIES))
    unit = serializers.ChoiceField(["cents", "count"])
    kind = serializers.ChoiceField(["level", "flow"], help_text="A level stands at the end of its day, a flow is of the day")
    to = serializers.DateField()
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the newest day was computed; it is not over yet")


# A word of the language, and what a serializer has itself, cannot be declared in the body of the class.
SeriesSerializer._declared_fields |= {
    "from": serializers.DateField(),
    "data": serializers.ListField(child=serializers.ListField(), help_text="Pairs of a day and its value, oldest first"),
}


class SeriesView(PublicView):
    @extend_schema(
        responses=SeriesSerializer,
        auth=[],
        parameters=[
            OpenApiParameter("name", str, required=True, enum=list(dashboard.SERIES)),
            OpenApiParameter("from", date, description="30 days by default"),
            OpenApiParameter("to", date, description="Today by default (UTC)"),
        ],
    )
    def get(self, request: Request) -> Response:
        """One figure by UTC day."""
        series = dashboard.SERIES.get(request.query_params.get("name", ""))
        if series is None:
            raise ValidationError(fields={"name": f"One of: {', '.join(dashboard.SERIES)}."})
        found = dashboard.days(*span(request.query_params))
        return Response({
            "name": series.name, "unit": series.unit, "kind": series.kind, "from": found.first, "to": found.last,
            "as_of": found.as_of, "data": found.of(series.name),
        })  # fmt: skip


def span(params: Any) -> tuple[date, date]:
    """`from` and `to` of a question. Raises ValidationError for what is no day."""
    last = _day("to", params.get("to")) or clock.now().date()
    return _day("from", params.get("from")) or last - timedelta(days=min(29, last.toordinal() - 1)), last


def _day(field: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return read_day(text)
    except ValueError as error:
        raise ValidationError(fields={field: "A day is written like 2026-11-01."}) from error


class VendorSerializer(Serializer):
    name = serializers.CharField(help_text="The vendor")
    service = serializers.CharField(help_text="What people use it for")
    status = serializers.ChoiceField(SERVICE_STATES)
    since = serializers.DateTimeField(allow_null=True, help_text="Since when it is down, or up again; null when neither was seen")


class StatusSerializer(Serializer):
    vendors = VendorSerializer(many=True)


class StatusView(PublicView):
    @extend_schema(responses=StatusSerializer, auth=[])
    def get(self, request: Request) -> Response:
        """How the vendors are doing that loads, redemptions, linking and codes depend on. Payments need none of them."""
        vendors = [
            {"name": line.health.name, "service": line.service.name, "status": line.health.status, "since": line.health.since}
            for line in status.lines()
        ]
        return Response({"vendors": vendors})
