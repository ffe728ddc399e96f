"""Bank accounts, loads and redemptions over the API: shapes here, decisions in the services."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from banking import queries, services, show
from banking.models import BankAccount, BankTransfer
from compliance.origin import origin_of
from core import idempotency
from core.api import Cents, Serializer, Text, answered, page, page_params, session_of, validated

KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1-255 printable ASCII characters. The same key with the same body replays the stored answer.",
)
LIST_PARAMETERS = [
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before"),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
]
TRANSFER_STATUSES = [status.value for status in BankTransfer.Status]


class LinkTokenAnswer(Serializer):
    link_token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class LinkBank(Serializer):
    public_token = Text(max_length=200, help_text="What Plaid's Link handed over")
    account_id = Text(max_length=200, required=False, help_text="Without it the only, or the first checking account is linked")


class BankAccountAnswer(Serializer):
    id = serializers.CharField()
    institution = serializers.CharField()
    name = serializers.CharField()
    mask = serializers.CharField()
    status = serializers.ChoiceField(
        choices=["active", "relink", "revoked"],
        help_text="`relink`: its bank wants a new log-in; `revoked`: the permission was withdrawn. Both: link it again",
    )
    default = serializers.BooleanField(
        help_text="Chosen where nothing else is said; one of a person's banks is"
    )


class BankAccountList(Serializer):
    data = BankAccountAnswer(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True)


@extend_schema_field({"type": "boolean", "enum": [True]})
class Yes(serializers.Field[bool, bool, bool, Any]):
    """Nothing but `true`: what is not wanted any more is said by wanting something else."""

    def to_internal_value(self, data: Any) -> bool:
        if data is not True:
            raise serializers.ValidationError("Only `true`: make another bank the default instead.")
        return True

    def to_representation(self, value: bool) -> bool:
        return value


class ChangeBank(Serializer):
    default = Yes(help_text="Another bank stops being it")


class NewTransfer(Serializer):
    amount = Cents()
    bank_account = Text(max_length=64)


class StepAnswer(Serializer):
    status = serializers.ChoiceField(choices=TRANSFER_STATUSES)
    at = serializers.DateTimeField()
    text = serializers.CharField()


class BankTransferAnswer(Serializer):
    id = serializers.CharField()
    amount = serializers.IntegerField(help_text="Cents")
    currency = serializers.ChoiceField(choices=["USD"])
    status = serializers.ChoiceField(choices=TRANSFER_STATUSES)
    expected_on = serializers.DateField()
    cancel = serializers.ChoiceField(
        choices=[choice.value for choice in BankTransfer.Cancel],
        help_text="Whether you asked to have it back; refused when it had left already",
    )
    bank_account = serializers.CharField()
    created_at = serializers.DateTimeField()
    timeline = StepAnswer(many=True)


class BankTransferList(Serializer):
    data = BankTransferAnswer(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True)


class LinkToken(APIView):
    @extend_schema(request=None, responses={201: LinkTokenAnswer}, summary="A token that opens Plaid's Link")
    def post(self, request: Request) -> Response:
        token = services.link_token(user_public_id=session_of(request).user_public_id)
        return Response({"link_token": token.token, "expires_at": token.expires_at}, status=201)


class BankAccounts(APIView):
    @extend_schema(request=LinkBank, responses={201: BankAccountAnswer}, summary="Link a bank account")
    def post(self, request: Request) -> Response:
        data = validated(LinkBank, request)
        account = services.link_account(
            user_id=session_of(request).user_id,
            public_token=data["public_token"],
            account_id=data.get("account_id"),
        )
        return Response(show.account_body(account), status=201)

    @extend_schema(parameters=LIST_PARAMETERS, responses={200: BankAccountList}, summary="Your linked bank accounts")
    def get(self, request: Request) -> Response:
        after, limit = page_params(request.query_params)
        rows = queries.bank_accounts(user_id=session_of(request).user_id)
        rows = [row for row in rows if after is None or row.pk > after][: limit + 1]
        return page(rows, limit, _position, show.account_body)


class BankAccountDetail(APIView):
    @extend_schema(request=ChangeBank, responses={200: BankAccountAnswer}, summary="Make a bank account the default")
    def put(self, request: Request, account_id: str) -> Response:
        validated(ChangeBank, request)
        account = services.choose_default(user_id=session_of(request).user_id, bank_account=account_id)
        return Response(show.account_body(account))

    @extend_schema(responses={204: None}, summary="Remove a bank account")
    def delete(self, request: Request, account_id: str) -> Response:
        services.remove_account(user_id=session_of(request).user_id, bank_account=account_id)
        return Response(status=204)


class BankAccountRelink(APIView):
    @extend_schema(request=None, responses={201: LinkTokenAnswer}, summary="A token that opens Plaid's Link to repair a login")
    def post(self, request: Request, account_id: str) -> Response:
        session = session_of(request)
        token = services.relink_token(
            user_id=session.user_id, user_public_id=session.user_public_id, bank_account=account_id
        )
        return Response({"link_token": token.token, "expires_at": token.expires_at}, status=201)


def _ask(request: Request, ask: Callable[..., idempotency.Answer]) -> HttpResponse:
    """Both kinds are asked for alike: a key, an amount and a bank."""
    key = idempotency.check_key(request.headers.get("Idempotency-Key"))
    data = validated(NewTransfer, request)
    session = session_of(request)
    return answered(ask(user_id=session.user_id, key=key, origin=origin_of(request, session), **data))


def _list(request: Request, kind: BankTransfer.Kind) -> Response:
    before, limit = page_params(request.query_params)
    rows = queries.transfers(user_id=session_of(request).user_id, kind=kind, before=before, limit=limit)
    return page(rows, limit, _position, queries.transfer_body)


def _detail(request: Request, kind: BankTransfer.Kind, public_id: str) -> Response:
    row = queries.transfer(user_id=session_of(request).user_id, kind=kind, public_id=public_id)
    return Response(queries.transfer_body(row))


def _cancel(request: Request, kind: BankTransfer.Kind, public_id: str) -> Response:
    services.request_cancel(user_id=session_of(request).user_id, kind=kind, public_id=public_id)
    return _detail(request, kind, public_id)


def _position(row: BankTransfer | BankAccount) -> int:
    return int(row.pk)


class Loads(APIView):
    @extend_schema(request=NewTransfer, parameters=[KEY_HEADER], responses={201: BankTransferAnswer}, summary="Load from a bank")
    def post(self, request: Request) -> HttpResponse:
        return _ask(request, services.request_load)

    @extend_schema(parameters=LIST_PARAMETERS, responses={200: BankTransferList}, summary="Your loads, newest first")
    def get(self, request: Request) -> Response:
        return _list(request, BankTransfer.Kind.LOAD)


class LoadDetail(APIView):
    @extend_schema(responses={200: BankTransferAnswer}, summary="One load")
    def get(self, request: Request, transfer_id: str) -> Response:
        return _detail(request, BankTransfer.Kind.LOAD, transfer_id)


class LoadCancel(APIView):
    @extend_schema(
        request=None,
        responses={200: BankTransferAnswer},
        summary="Take a load back",
        description="It is cancelled soon after, unless it has left already: look at `cancel` and `status`. "
        "Asking again changes nothing. 409 once it has arrived or failed.",
    )
    def post(self, request: Request, transfer_id: str) -> Response:
        return _cancel(request, BankTransfer.Kind.LOAD, transfer_id)


class LoadAgain(APIView):
    @extend_schema(
        request=None,
        responses={201: BankTransferAnswer},
        summary="Ask for a load again that your bank did not cover",
        description="The same amount from the same bank, at most twice and within 180 days, after R01 or R09 only; otherwise "
        "409. Asking twice gives the same new load.",
    )
    def post(self, request: Request, transfer_id: str) -> Response:
        session = session_of(request)
        user_id = session.user_id
        made = services.present_again(user_id=user_id, public_id=transfer_id, origin=origin_of(request, session))
        row = queries.transfer(user_id=user_id, kind=BankTransfer.Kind.LOAD, public_id=made.public_id)
        return Response(queries.transfer_body(row), status=201)


class Redemptions(APIView):
    @extend_schema(request=NewTransfer, parameters=[KEY_HEADER], responses={201: BankTransferAnswer}, summary="Redeem to a bank")
    def post(self, request: Request) -> HttpResponse:
        return _ask(request, services.request_redemption)

    @extend_schema(parameters=LIST_PARAMETERS, responses={200: BankTransferList}, summary="Your redemptions, newest first")
    def get(self, request: Request) -> Response:
        return _list(request, BankTransfer.Kind.REDEMPTION)


class RedemptionDetail(APIView):
    @extend_schema(responses={200: BankTransferAnswer}, summary="One redemption")
    def get(self, request: Request, transfer_id: str) -> Response:
        return _detail(request, BankTransfer.Kind.REDEMPTION, transfer_id)


class RedemptionCancel(APIView):
    @extend_schema(request=None, responses={200: BankTransferAnswer}, summary="Take a redemption back")
    def post(self, request: Request, transfer_id: str) -> Response:
        return _cancel(request, BankTransfer.Kind.REDEMPTION, transfer_id)
