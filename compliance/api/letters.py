"""What PaYa told a person, in the API: the same letters as on the page /messages."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from compliance import queries
from compliance.models import Letter
from compliance.services import letters
from core.actor import actor
from core.api import Serializer, page, page_params, session_of

CURSOR = OpenApiParameter("cursor", str, description="`next_cursor` of the page before")
LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20})


class MessageSerializer(Serializer):
    id = serializers.CharField()
    kind = serializers.CharField(help_text="What it is about, for a program: for example `frozen`, `payment_held`")
    title = serializers.CharField()
    body = serializers.CharField(help_text="Plain words, in lines")
    about = serializers.CharField(help_text="The id of what it is about; empty where it is about the person")
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class MessageListSerializer(Serializer):
    data = MessageSerializer(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True)
    unread = serializers.IntegerField(help_text="How many of all letters were not read yet")


def letter_json(row: Letter) -> dict[str, Any]:
    return {
        "id": row.public_id, "kind": row.kind, "title": row.title, "body": row.body, "about": row.about,
        "created_at": row.created_at, "read_at": row.read_at,
    }  # fmt: skip


class MessagesView(APIView):
    @extend_schema(responses=MessageListSerializer, parameters=[CURSOR, LIMIT], summary="What PaYa told you, newest first")
    def get(self, request: Request) -> Response:
        """Letters to you: about a freeze, a payment that is checked, a limit that changed."""
        user_id = session_of(request).user_id
        before, limit = page_params(request.query_params)
        with actor(user_id):
            rows = queries.letters(user_id, before=before, limit=limit)
            unread = queries.unread_letters(user_id)
        answer = page(rows, limit, lambda row: row.pk, letter_json)
        answer.data["unread"] = unread
        return answer


class MessageView(APIView):
    @extend_schema(responses=MessageSerializer, summary="One letter")
    def get(self, request: Request, letter: str) -> Response:
        """As it was written; reading it here marks nothing."""
        return Response(letter_json(queries.letter(session_of(request).user_id, letter)))


class MessageReadView(APIView):
    @extend_schema(request=None, responses=MessageSerializer, summary="Mark a letter as read")
    def post(self, request: Request, letter: str) -> Response:
        """From now on it counts as read; again, nothing changes."""
        return Response(letter_json(letters.mark_read(user_id=session_of(request).user_id, letter=letter)))
