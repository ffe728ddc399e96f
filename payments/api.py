"""Payments and the feed in the API (DESIGN: API v1)."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from compliance.origin import origin_of
from core import idempotency
from core.actor import actor
from core.api import Cents, Serializer, Text, answered, is_visible, list_of, page, page_params, session_of, validated
from core.errors import ValidationError
from core.money import MAX_AMOUNT
from payments import queries, services
from payments.models import Visibility
from wallets.api import CURSOR, LIMIT, PartySerializer

NOTE_MAX = 200
KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True, description="1-255 printable ASCII characters"
)


class Username(Text):
    """ "@name" or "name"; whether somebody is called so is the service's to say."""


class Note(Text):
    """What it was for: nothing at all, or something that can be seen."""

    def to_internal_value(self, data: Any) -> str:
        note = super().to_internal_value(data)
        if note and not is_visible(note):
            raise serializers.ValidationError("There is nothing to see in this note.")
        return note


class VisibilityField(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError('This is "public" or "private".')
        return super().to_internal_value(data)


class PaymentRequestSerializer(Serializer):
    to = Username(min_length=1, max_length=30)
    amount = Cents()
    note = Note(required=False, allow_blank=True, default="", max_length=NOTE_MAX)
    visibility = VisibilityField(Visibility.values)


class VisibilityRequestSerializer(Serializer):
    visibility = VisibilityField(Visibility.values)


class PaymentSerializer(Serializer):
    id = serializers.CharField()
    # `from` is a Python keyword; the field is added under its name below.
    to = PartySerializer()
    amount = serializers.IntegerField(min_value=1, max_value=MAX_AMOUNT)
    currency = serializers.ChoiceField(["USD"])
    note = serializers.CharField(allow_blank=True)
    visibility = serializers.ChoiceField(Visibility.values)
    status = serializers.ChoiceField(["completed", "held", "in_review", "denied", "cancelled"])
    created_at = serializers.DateTimeField()


PaymentSerializer._declared_fields["from"] = PartySerializer()


class FeedItemSerializer(Serializer):
    id = serializers.CharField()
    to = PartySerializer()
    note = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


FeedItemSerializer._declared_fields["from"] = PartySerializer()


class PaymentsView(APIView):
    @extend_schema(request=PaymentRequestSerializer, responses={201: PaymentSerializer}, parameters=[KEY])
    def post(self, request: Request) -> HttpResponse:
        """Pay somebody by @username, at once and for good; `in_review` where it is looked at before it arrives."""
        key = idempotency.check_key(request.headers.get("Idempotency-Key"))
        data = validated(PaymentRequestSerializer, request)
        session = session_of(request)
        return answered(services.pay(payer_id=session.user_id, key=key, origin=origin_of(request, session), **data))

    @extend_schema(responses=list_of(PaymentSerializer), parameters=[CURSOR, LIMIT])
    def get(self, request: Request) -> Response:
        """The person's own payments, made and received, newest first."""
        user_id = session_of(request).user_id
        before, limit = page_params(request.query_params)
        with actor(user_id):
            rows = queries.payments(user_id, before=before, limit=limit)
        return page(rows, limit, lambda row: row.pk, lambda row: row.as_json())


class PaymentView(APIView):
    @extend_schema(responses=PaymentSerializer)
    def get(self, request: Request, payment: str) -> Response:
        """One payment, for its two parties."""
        user_id = session_of(request).user_id
        with actor(user_id):
            return Response(queries.payment(user_id, payment).as_json())

    @extend_schema(request=VisibilityRequestSerializer, responses=PaymentSerializer)
    def patch(self, request: Request, payment: str) -> Response:
        """Make it private, for good: either party may. What is private stays private."""
        user_id = session_of(request).user_id
        wish = validated(VisibilityRequestSerializer, request)["visibility"]
        with actor(user_id):
            if wish == Visibility.PRIVATE:
                services.make_private(user_id=user_id, payment=payment)
            row = queries.payment(user_id, payment)
        if row.visibility != wish:
            raise ValidationError(fields={"visibility": "A private payment cannot be made public."})
        return Response(row.as_json())


class CancelView(APIView):
    @extend_schema(request=None, responses=PaymentSerializer)
    def post(self, request: Request, payment: str) -> Response:
        """Take back a payment that is still being looked at (`in_review`); cancelled before, it is answered again."""
        user_id = session_of(request).user_id
        with actor(user_id):
            row = queries.payment(user_id, payment)
            if not (row.status == "cancelled" and row.payer_id == user_id):
                services.cancel_held(user_id=user_id, payment=payment)
                row = queries.payment(user_id, payment)
        return Response(row.as_json())


class FeedView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(responses=list_of(FeedItemSerializer), parameters=[CURSOR, LIMIT], auth=[])
    def get(self, request: Request) -> Response:
        """Public payments, newest first; never an amount. Needs no token."""
        before, limit = page_params(request.query_params)
        rows = queries.feed(before=before, limit=limit)
        return page(rows, limit, lambda row: row.position, lambda row: row.item)
