"""Limits and identity documents over the API: shapes here, decisions in the services."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from compliance import raising
from compliance.models import Document, LimitName, Tier
from compliance.services import documents
from core.api import Serializer, page, page_params, session_of
from core.errors import ValidationError
from core.uploads import the_file

LIMIT_NAMES = [name.value for name in LimitName]
UNITS = ["cents", "payments", "people", "days"]
DOCUMENT_STATUSES = ["storing", "waiting", "accepted", "refused"]
DOCUMENT_KINDS = [kind.value for kind in Document.Kind]
TIERS = [tier.name.lower() for tier in Tier]
LIST_PARAMETERS = [
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before"),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
]


class LimitAnswer(Serializer):
    name = serializers.ChoiceField(choices=LIMIT_NAMES)
    title = serializers.CharField()
    unit = serializers.ChoiceField(choices=UNITS, help_text="What the figures count")
    limit = serializers.IntegerField()
    used = serializers.IntegerField()
    remaining = serializers.IntegerField()
    resets_at = serializers.DateTimeField(allow_null=True, help_text="When the next place frees; null where nothing is used")
    tier = serializers.ChoiceField(choices=TIERS, help_text="Whose limits these are: yours")
    next_limit = serializers.IntegerField(allow_null=True, help_text="What it would be in the next tier, where that is more")
    how_to_raise = serializers.CharField(allow_null=True)


class LimitList(Serializer):
    data = LimitAnswer(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True, help_text="Always null: there are only a few")


class Limits(APIView):
    @extend_schema(responses={200: LimitList}, summary="Your limits: how much is used, when it frees, how to raise it")
    def get(self, request: Request) -> Response:
        tier, limits = raising.limits_shown(user_id=session_of(request).user_id)
        return Response({"data": [limit_body(tier, one) for one in limits], "next_cursor": None})


def limit_body(tier: Tier, one: raising.Shown) -> dict[str, Any]:
    return {
        "name": one.now.name.value, "title": one.title, "unit": one.now.unit, "limit": one.now.limit, "used": one.now.used,
        "remaining": one.now.remaining, "resets_at": one.now.resets_at, "tier": tier.name.lower(),
        "next_limit": one.next_limit, "how_to_raise": one.way.words if one.way else None,
    }  # fmt: skip


class NewDocument(Serializer):
    kind = serializers.ChoiceField(choices=DOCUMENT_KINDS)
    file = serializers.FileField(help_text="A JPEG or PNG picture or a PDF, 10 MB at most")


class DocumentAnswer(Serializer):
    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=DOCUMENT_KINDS)
    status = serializers.ChoiceField(
        choices=DOCUMENT_STATUSES,
        help_text="`waiting` to be looked at by our staff; `storing`: it has yet to arrive, send it again",
    )
    reason = serializers.CharField(help_text="Why it was not accepted, and what to do; empty otherwise")
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)


class DocumentList(Serializer):
    data = DocumentAnswer(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True)


def document_body(row: Document) -> dict[str, Any]:
    return {
        "id": row.public_id, "kind": row.kind, "status": row.status, "reason": row.words, "created_at": row.created_at,
        "decided_at": row.decided_at,
    }  # fmt: skip


class Documents(APIView):
    parser_classes = [MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": NewDocument},
        responses={201: DocumentAnswer},
        summary="Hand in an identity document",
        description="What it is, is read from its content. Pictures are encoded anew and only the pages of a PDF are kept. "
        "The same file again answers the same document. Five a day.",
    )
    def post(self, request: Request) -> Response:
        data = the_file(request, "file")
        if data is None:
            raise ValidationError(fields={"file": "Choose a file."})
        kind = str(request.POST.get("kind", ""))[:40]
        row = documents.upload(user_id=session_of(request).user_id, kind=kind, data=data)
        return Response(document_body(row), status=201)

    @extend_schema(parameters=LIST_PARAMETERS, responses={200: DocumentList}, summary="Your identity documents, newest first")
    def get(self, request: Request) -> Response:
        before, limit = page_params(request.query_params)
        rows = documents.documents_of(user_id=session_of(request).user_id, before=before, limit=limit + 1)
        return page(rows, limit, lambda row: int(row.pk), document_body)


class DocumentDetail(APIView):
    @extend_schema(responses={200: DocumentAnswer}, summary="One identity document: where it stands")
    def get(self, request: Request, document_id: str) -> Response:
        return Response(document_body(documents.document_of(user_id=session_of(request).user_id, document=document_id)))
