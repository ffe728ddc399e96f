"""The wallet in the API (DESIGN: API v1)."""

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import live
from core.actor import actor
from core.api import Serializer, list_of, page, page_params, session_of
from core.errors import ValidationError
from ledger.chart import Kind
from wallets import queries, services
from wallets.queries import ActivityRow
from wallets.services import Guarded

CURSOR = OpenApiParameter("cursor", str, description="Where the previous page ended")
SHOW = OpenApiParameter("show", str, enum=list(queries.FILTERS), default="all", description="Narrow it to a part")
LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20})


class PartySerializer(Serializer):
    username = serializers.CharField()
    display_name = serializers.CharField()


class BalanceSerializer(Serializer):
    available = serializers.IntegerField()
    pending_in = serializers.IntegerField()
    pending_out = serializers.IntegerField()
    held = serializers.IntegerField()


class WalletSerializer(Serializer):
    id = serializers.CharField()
    currency = serializers.ChoiceField(["USD"])
    balance = BalanceSerializer()


class TransactionSerializer(Serializer):
    id = serializers.CharField()
    kind = serializers.ChoiceField([kind.name.lower() for kind in Kind])
    amount = serializers.IntegerField(help_text="Signed cents")
    balance_after = serializers.IntegerField()
    counterparty = PartySerializer(allow_null=True)
    reference = serializers.CharField(allow_null=True, help_text="The payment, load, redemption or week it belongs to")
    created_at = serializers.DateTimeField()


class PastBalanceSerializer(Serializer):
    at = serializers.DateTimeField()
    available = serializers.IntegerField()


@extend_schema_serializer(component_name="LiveTicket")  # support has tickets, too
class TicketSerializer(Serializer):
    ticket = serializers.CharField()
    expires_in = serializers.IntegerField()


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def balance_of(wallet: Guarded) -> dict[str, int]:
    return {
        "available": wallet.available,
        "pending_in": wallet.pending_in,
        "pending_out": wallet.pending_out,
        "held": wallet.held,
    }


def transaction_json(row: ActivityRow) -> dict[str, Any]:
    party = {"username": row.username, "display_name": row.display_name} if row.username else None
    return {
        "id": f"txn_{row.transfer.hex}",
        "kind": row.kind.name.lower(),
        "amount": row.amount,
        "balance_after": row.balance_after,
        "counterparty": party,
        "reference": row.reference,
        "created_at": iso(row.posted_at),
    }


class WalletView(APIView):
    @extend_schema(responses=WalletSerializer)
    def get(self, request: Request) -> Response:
        """The person's balance: available, on its way in and out, and set aside."""
        wallet = services.state_alone(session_of(request).user_id)
        return Response({"id": wallet.wallet_id, "currency": "USD", "balance": balance_of(wallet)})


class TransactionsView(APIView):
    @extend_schema(responses=list_of(TransactionSerializer), parameters=[CURSOR, LIMIT, SHOW])
    def get(self, request: Request) -> Response:
        """Everything that moved this wallet, newest first, with the balance after it."""
        user_id = session_of(request).user_id
        before, limit = page_params(request.query_params)
        with actor(user_id):
            rows = queries.activity(user_id, before=before, limit=limit, show=request.query_params.get("show", "all"))
        return page(rows, limit, lambda row: row.version, transaction_json)


class PastBalanceView(APIView):
    @extend_schema(responses=PastBalanceSerializer, parameters=[OpenApiParameter("at", datetime, required=True)])
    def get(self, request: Request) -> Response:
        """What was available at a past time."""
        user_id = session_of(request).user_id
        at = parse_time(request.query_params.get("at", ""))
        with actor(user_id):
            available = queries.balance_at(user_id, at)
        return Response({"at": iso(at), "available": available})


def parse_time(text: str) -> datetime:
    """An ISO 8601 time with its offset; raises ValidationError. A + that the query turned into a space is mended."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = "Give a time in ISO 8601 with its offset, like 2026-11-21T12:00:00Z."
        raise ValidationError(fields={"at": message}) from error


class LiveTicketView(APIView):
    @extend_schema(request=None, responses={201: TicketSerializer})
    def post(self, request: Request) -> Response:
        """A single-use ticket for /ws/me/, good for 30 seconds."""
        return Response({"ticket": live.issue_ticket(session_of(request)), "expires_in": live.TICKET_SECONDS}, status=201)


