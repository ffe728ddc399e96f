"""Withdrawals out of a frozen account, over the API and on the page /withdraw."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from banking.api import KEY_HEADER, LIST_PARAMETERS, NewTransfer
from banking.pages import asked_of, bank_choice, errors_of
from banking.services import withdrawals
from compliance.models import Withdrawal
from core import idempotency
from core.actor import actor
from core.api import Serializer, answered, page, page_params, session_of, validated
from core.errors import IdempotencyKeyRequired, IdempotencyKeyReused, PayaError, ValidationError
from core.pages import login_required
from core.pages import session_of as person_of
from wallets.queries import wallet


class WithdrawalAnswer(Serializer):
    id = serializers.CharField()
    amount = serializers.IntegerField(help_text="Cents")
    currency = serializers.ChoiceField(choices=["USD"])
    bank_account = serializers.CharField()
    status = serializers.ChoiceField(choices=Withdrawal.Status.values, help_text="`asked` until staff have decided")
    redemption = serializers.CharField(allow_null=True, help_text="The redemption that it became, once it is `sent`")
    reason = serializers.CharField(help_text="Why it was denied, or could not go out; else empty")
    created_at = serializers.DateTimeField()


class WithdrawalList(Serializer):
    data = WithdrawalAnswer(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True)


class Withdrawals(APIView):
    @extend_schema(
        request=NewTransfer, parameters=[KEY_HEADER], responses={201: WithdrawalAnswer},
        summary="While frozen: ask for your money to be sent to your bank",
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """Staff have to approve it. One at a time; an account that is not frozen redeems as usual."""
        key = idempotency.check_key(request.headers.get("Idempotency-Key"))
        data = validated(NewTransfer, request)
        return answered(withdrawals.ask(user_id=session_of(request).user_id, key=key, **data))

    @extend_schema(parameters=LIST_PARAMETERS, responses={200: WithdrawalList}, summary="Your withdrawals, newest first")
    def get(self, request: Request) -> Response:
        user_id = session_of(request).user_id
        before, limit = page_params(request.query_params)
        with actor(user_id):
            rows = withdrawals.of_person(user_id, before=before, limit=limit)
        return page(rows, limit, lambda row: row["pk"], withdrawals.body)


class WithdrawalCancel(APIView):
    @extend_schema(request=None, responses={200: WithdrawalAnswer}, summary="Take a withdrawal back while it waits")
    def post(self, request: Request, withdrawal: str) -> Response:
        return Response(withdrawals.cancel(user_id=session_of(request).user_id, withdrawal=withdrawal))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def withdraw(request: HttpRequest) -> HttpResponse:
    """The form, and what was asked for before. Its key is made when the page is: a second click lands on the same request."""
    user_id = person_of(request).user_id
    values = {name: request.POST.get(name, "")[:100] for name in ("amount", "bank_account")}
    key, error = str(uuid.uuid4()), None
    if request.method == "POST":
        key = request.POST.get("key", "")
        try:
            withdrawals.ask(user_id=user_id, key=idempotency.check_key(key), **asked_of(values))
            messages.success(request, "Sent. Somebody of our staff looks at it, usually within two days, and you get a message.")
            return redirect("/withdraw")
        except PayaError as refusal:
            error = refusal
            if isinstance(refusal, IdempotencyKeyRequired | IdempotencyKeyReused):
                key, error = str(uuid.uuid4()), ValidationError("Nothing was sent. Please press the button again.")
    with actor(user_id):
        mine, rows = wallet(user_id), withdrawals.of_person(user_id)[:20]
    choice = bank_choice(request)
    context: dict[str, Any] = {
        "key": key, "values": values, "errors": errors_of(error), **choice, "wallet": {"available": mine.available},
        "frozen": mine.frozen, "past": [row for row in rows if row["status"] not in Withdrawal.OPEN],
        "names": {bank["id"]: f"{bank['institution']} ··\N{NO-BREAK SPACE}{bank['mask']}" for bank in choice["banks"]},
        "open": next((row for row in rows if row["status"] in Withdrawal.OPEN), None),
    }  # fmt: skip
    return render(request, "banking/withdraw.html", context, status=error.status if error else 200)


@require_POST
@login_required
def cancel(request: HttpRequest, withdrawal: str) -> HttpResponse:
    withdrawals.cancel(user_id=person_of(request).user_id, withdrawal=withdrawal)
    messages.success(request, "Taken back. Your money stays where it is.")
    return redirect("/withdraw")
