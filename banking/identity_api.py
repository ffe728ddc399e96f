"""Tier 2 over the API: ask a bank who its account holder is, and see what became of it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from banking.models import IdentityCheck
from banking.services import identity_checks
from compliance.api.tiers import TIERS
from compliance.services import tiers
from core.api import Serializer, Text, session_of, validated

CHECK_STATUSES = [status.value for status in IdentityCheck.Status]


class AskBank(Serializer):
    legal_name = Text(max_length=200, help_text="First and last name, as the bank knows them. Kept encrypted")
    bank_account = Text(max_length=64, required=False, help_text="Which bank is asked; the default without it")


class CheckAnswer(Serializer):
    id = serializers.CharField()
    bank_account = serializers.CharField()
    status = serializers.ChoiceField(choices=CHECK_STATUSES)
    detail = serializers.CharField(help_text="The same in words, with what to do next")
    created_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)


class IdentityAnswer(Serializer):
    tier = serializers.ChoiceField(choices=TIERS)
    check = CheckAnswer(allow_null=True, help_text="The newest; null where no bank was asked")


def check_body(row: IdentityCheck) -> dict[str, Any]:
    return {
        "id": row.public_id, "bank_account": row.account.public_id, "status": row.status,
        "detail": identity_checks.words(row), "created_at": row.created_at, "answered_at": row.answered_at,
    }  # fmt: skip


class Identity(APIView):
    @extend_schema(responses={200: IdentityAnswer}, summary="How well PaYa knows you, and what your bank answered")
    def get(self, request: Request) -> Response:
        user_id = session_of(request).user_id
        check = identity_checks.latest(user_id=user_id)
        tier = tiers.tier_of(user_id=user_id)
        return Response({"tier": tier.name.lower(), "check": check_body(check) if check else None})

    @extend_schema(
        request=AskBank,
        responses={201: CheckAnswer},
        summary="Ask your bank to confirm who you are",
        description="Answered at once with `waiting`; the bank is asked in the background, and again while it cannot be reached. "
        "The same name and bank within a day answer the same check. Five a day; 409 while another one is open.",
    )
    def post(self, request: Request) -> Response:
        data = validated(AskBank, request)
        row = identity_checks.start(
            user_id=session_of(request).user_id, legal_name=data["legal_name"], bank_account=data.get("bank_account")
        )
        return Response(check_body(row), status=201)
