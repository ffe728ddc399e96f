"""Attestations for everybody, and each person's own proof (docs/proofs.md)."""

import base64
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Cents, Day, Serializer, Text, list_of, page, page_params, read_day, session_of, validated
from core.errors import ValidationError
from transparency import archive, personal, services
from transparency.attesting import chain
from transparency.models import ChainEntry
from wallets.api import CURSOR, LIMIT

NEVER_KEPT = "private, no-store"
FOR_A_MINUTE = "public, max-age=60"
FOR_EVER = "public, max-age=31536000, immutable"


class ForEverybody(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []


class AttestationSerializer(Serializer):
    date = serializers.DateField(help_text="The cut's day, UTC")
    epoch = serializers.IntegerField(help_text="Days from 1970-01-01")
    cut = serializers.DateTimeField()
    liabilities = serializers.IntegerField(help_text="Cents")
    receivable = serializers.IntegerField(help_text="What people owe us, in cents; never taken off the liabilities")
    reserve = serializers.IntegerField(help_text="What custodians say they hold, in cents")
    digest = serializers.CharField(help_text="SHA-256 of the signed text")
    code = serializers.CharField(help_text="Its first eight characters, to compare with others")
    previous = serializers.CharField(help_text="The digest of the entry before it in the chain")
    missed_before = serializers.IntegerField(help_text="Days without attestation before this one")
    complaints = serializers.IntegerField(help_text="How many people said that their proof of this day does not hold")
    proofs = serializers.BooleanField(help_text="Whether proofs of this day are open")


class ChainEntrySerializer(Serializer):
    position = serializers.IntegerField()
    kind = serializers.ChoiceField(["attestation", "key"])
    epoch = serializers.IntegerField()
    note = serializers.CharField(help_text="The signed text")
    checkpoint = serializers.CharField(help_text="The log up to here, as a signed C2SP checkpoint")


class ProofSerializer(Serializer):
    epoch = serializers.IntegerField()
    account = serializers.CharField(help_text="A claim of yours to confirm: the name others pay you by")
    nonce = serializers.CharField(help_text="A claim of yours to confirm: the secret you made, or 64 zeros")
    balance = serializers.IntegerField(help_text="A claim of yours to confirm: cents owed to you at the cut")
    proof = serializers.CharField(help_text="base64url; all of the rest follows from it and the attestation")
    statement = serializers.CharField(help_text="A signed note: what your leaf should say")


class EnrolmentRequestSerializer(Serializer):
    nonce = Text(help_text="64 hexadecimal digits, made by you and known to you")


class EnrolmentSerializer(Serializer):
    account = serializers.CharField()


class ComplaintRequestSerializer(Serializer):
    date = Day()
    step = Text(max_length=40, help_text="The step that failed, as the verifier names it")
    expected = Cents(zero=True, allow_null=True, required=False)
    words = Text(max_length=1000, required=False, allow_blank=True, default="")


def as_json(entry: archive.Entry, missed: dict[int, int]) -> dict[str, Any]:
    return {
        "date": entry.on.isoformat(), "epoch": entry.epoch, "cut": entry.figure("cut"), "liabilities": entry.liabilities,
        "receivable": entry.receivable, "reserve": entry.reserve, "digest": entry.digest, "code": entry.code,
        "previous": entry.previous, "missed_before": missed.get(entry.epoch, 0), "complaints": entry.complaints,
        "proofs": entry.open,
    }  # fmt: skip


def plain(content: bytes, cache: str) -> HttpResponse:
    response = HttpResponse(content, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = cache
    response["Access-Control-Allow-Origin"] = "*"  # read by whoever compares it with another place
    return response


class AttestationsView(ForEverybody):
    @extend_schema(responses=list_of(AttestationSerializer), parameters=[CURSOR, LIMIT], auth=[])
    def get(self, request: Request) -> Response:
        """All attestations, newest first. A day that is missing was not attested."""
        before, limit = page_params(request.query_params)
        rows = archive.entries(kind=ChainEntry.ATTESTATION, before=before, newest=True, limit=limit + 1)
        missed = archive.missed_before(rows[::-1])
        return page(rows, limit, lambda entry: entry.position, lambda entry: as_json(entry, missed))


class AttestationView(ForEverybody):
    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR}, auth=[])
    def get(self, request: Request, name: str) -> HttpResponse:
        """One day's signed text itself, by its date or `latest`."""
        entry = archive.by_name(name)
        return plain(entry.note, FOR_A_MINUTE if name == "latest" else FOR_EVER)


class KeyView(ForEverybody):
    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR}, auth=[])
    def get(self, request: Request) -> HttpResponse:
        """The key that signed the latest attestation, as NAME+ID+KEY of C2SP's signed notes; then one that signs the next."""
        keys = chain.keys_since(archive.latest().signed_at)
        return plain("".join(f"{key}\n" for key in keys).encode(), FOR_A_MINUTE)


class ChainView(ForEverybody):
    @extend_schema(responses=list_of(ChainEntrySerializer), parameters=[CURSOR, LIMIT], auth=[])
    def get(self, request: Request) -> Response:
        """The chain of signed texts, oldest first, changes of the key among them; for whoever follows it."""
        after, limit = page_params(request.query_params)
        rows = archive.entries(after=-1 if after is None else after, limit=limit + 1)
        return page(
            rows, limit, lambda entry: entry.position,
            lambda entry: {
                "position": entry.position, "kind": entry.kind, "epoch": entry.epoch, "note": entry.note.decode(),
                "checkpoint": entry.checkpoint.decode(),
            },
        )  # fmt: skip


class ProofView(APIView):
    @extend_schema(
        responses=ProofSerializer,
        parameters=[OpenApiParameter("date", OpenApiTypes.DATE, description="The latest attested day without it")],
    )
    def get(self, request: Request) -> Response:
        """The person's proof of a day. 503 with Retry-After while a day long past is prepared."""
        response = Response(proof_json(session_of(request).user_id, request.query_params.get("date")))
        response["Cache-Control"] = NEVER_KEPT
        return response


class ReceiptView(APIView):
    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request, payment: str) -> HttpResponse:
        """A payment as the person's own account has it, signed: the number of its entry, and the balance after it."""
        response = HttpResponse(
            personal.receipt(user_id=session_of(request).user_id, payment=payment), content_type="text/plain; charset=utf-8"
        )
        response["Cache-Control"] = NEVER_KEPT
        return response


class EnrolmentView(APIView):
    @extend_schema(request=EnrolmentRequestSerializer, responses=EnrolmentSerializer)
    def put(self, request: Request) -> Response:
        """Give a secret of one's own making; the next attestation is the first that has it."""
        given = validated(EnrolmentRequestSerializer, request)
        return Response({"account": services.enrol(user_id=session_of(request).user_id, nonce=given["nonce"])})


class ComplaintView(APIView):
    @extend_schema(request=ComplaintRequestSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Tell us that a proof does not hold; how many a day had is public."""
        given = validated(ComplaintRequestSerializer, request)
        services.complain(
            user_id=session_of(request).user_id, epoch=archive.epoch_of_day(given["date"]), step=given["step"],
            expected=given.get("expected"), words=given["words"],
        )  # fmt: skip
        return Response(status=204)


def proof_json(user_id: int, day: str | None) -> dict[str, Any]:
    """What the API and the page hand to a person. Raises ValidationError, and what `personal.proof` raises."""
    try:
        epoch = None if day is None else archive.epoch_of_day(read_day(day))
    except ValueError as error:
        raise ValidationError(fields={"date": "Give a day like 2026-03-01."}) from error
    made = personal.proof(user_id=user_id, epoch=epoch)
    return {
        "epoch": made.epoch, "account": made.account, "nonce": made.nonce.hex(), "balance": made.balance,
        "proof": base64.urlsafe_b64encode(made.proof).decode().rstrip("="), "statement": made.statement.decode(),
    }  # fmt: skip
