"""API: a copy of one's data, and closing one's account."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import api
from privacy.models import Closing, Export
from privacy.services import closing, exports
from users import services as users
from users.addresses import client_address

EXPORT = OpenApiParameter("export_id", str, "path", description="exp_…")
EXPORT_STATUSES = Export.Status.choices
CLOSING_STATES = [("code_sent", "Code sent"), *Closing.State.choices]


# ---------------------------------------------------------------------------------------------------- shapes
class ExportOut(api.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(EXPORT_STATUSES)
    progress = serializers.IntegerField(help_text="Percent")
    created_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When the file goes")
    size = serializers.IntegerField(allow_null=True, help_text="Bytes")
    url = serializers.CharField(allow_null=True, help_text="Where the zip is, with the same bearer token; null without a file")


class CloseIn(api.Serializer):
    challenge = api.Text(max_length=60, required=False)
    code = api.Text(max_length=20, required=False)


class CloseOut(api.Serializer):
    id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(CLOSING_STATES)
    challenge = serializers.CharField(allow_null=True, help_text="To be sent back with the code from the message")
    expires_in = serializers.IntegerField(allow_null=True, help_text="Seconds that the code is good for")
    waits_for = serializers.ListField(child=serializers.CharField(), help_text="What has to be over first, in words")
    asked_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


def export_json(export: Export) -> dict[str, Any]:
    token = exports.token_for(export)
    return {
        "id": export.public_id, "status": export.status, "progress": export.progress, "created_at": export.asked_at,
        "ready_at": export.ready_at, "expires_at": export.expires_at, "size": export.size,
        "url": f"/v1/me/export/{export.public_id}/file?token={token}" if token else None,
    }  # fmt: skip


def closing_json(row: Closing) -> dict[str, Any]:
    return {
        "id": row.public_id, "status": row.state, "challenge": None, "expires_in": None,
        "waits_for": [closing.WAITS[one] for one in row.waits_for if one in closing.WAITS],
        "asked_at": row.asked_at, "closed_at": row.closed_at,
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------------- views
class Exports(APIView):
    @extend_schema(request=None, responses={202: ExportOut})
    def post(self, request: Request) -> Response:
        """Ask for a copy of everything that PaYa keeps about you. While one is being made it is that one; three a day."""
        return Response(export_json(exports.ask(user_id=api.session_of(request).user_id)), status=202)


class OneExport(APIView):
    @extend_schema(responses={200: ExportOut}, parameters=[EXPORT])
    def get(self, request: Request, export_id: str) -> Response:
        """How far it is, and where the file is once it is ready. The file goes after a day."""
        return Response(export_json(exports.export_of(user_id=api.session_of(request).user_id, public_id=export_id)))


class ExportFile(APIView):
    @extend_schema(
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
        parameters=[EXPORT, OpenApiParameter("token", str, required=True, description="From `url` of the copy")],
    )
    def get(self, request: Request, export_id: str) -> HttpResponse:
        """The zip: `paya.json` with everything, tables as CSV, and what is left out with the reason."""
        user_id = api.session_of(request).user_id
        content = exports.read(user_id=user_id, public_id=export_id, token=request.query_params.get("token", ""))
        return as_file(content)


class Close(APIView):
    @extend_schema(responses={200: CloseOut})
    def get(self, request: Request) -> Response:
        """The closing of this account: how far it is and what it waits for. 404 while nobody closes it."""
        row = closing.closing_of(user_id=api.session_of(request).user_id)
        if row is None:
            raise api.errors.NotFound("You are not closing your account.")
        return Response(closing_json(row))

    @extend_schema(request=CloseIn, responses={202: CloseOut})
    def post(self, request: Request) -> Response:
        """Close this account. Without a body a code is sent to your phone; with `challenge` and `code` it is closed.

        From then on nothing can be sent, received or loaded, and other devices are logged out. What is left goes to your
        bank; the account is closed when nothing is on its way any more. 403 while the account is frozen or something is owed,
        409 when there is money and no bank.
        """
        session = api.session_of(request)
        data = api.validated(CloseIn, request)
        if "challenge" in data and "code" in data:
            row = closing.close_account(user_id=session.user_id, device_id=session.device_id, **data)
            return Response(closing_json(row), status=202)
        if data:
            raise api.errors.ValidationError(fields={"code": "Send the challenge together with its code."})
        if (running := closing.closing_of(user_id=session.user_id)) is not None:
            return Response(closing_json(running), status=202)
        asked = users.request_own_code(
            user_id=session.user_id, address=client_address(request), purpose=users.Purpose.CLOSE
        )
        return Response(
            {
                "id": None, "status": "code_sent", "challenge": asked.challenge, "expires_in": asked.expires_in, "waits_for": [],
                "asked_at": None, "closed_at": None,
            },
            status=202,
        )  # fmt: skip

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """Keep the account after all: possible until money was sent to the bank (409 `too_late_to_cancel` after)."""
        closing.keep_account(user_id=api.session_of(request).user_id)
        return Response(status=204)


def as_file(content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="paya-data.zip"'
    response["Cache-Control"] = "private, no-store"
    return response
