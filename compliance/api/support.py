"""Help in the API: conversations with staff, appeals against a decision, reports of something wrong."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from compliance import support
from compliance.api.letters import CURSOR, LIMIT
from compliance.models import Appeal, Dispute, Ticket
from compliance.models.support import BODY_LONGEST, SUBJECT_LONGEST
from compliance.services import support as services
from core.actor import actor
from core.api import Cents, Serializer, Text, list_of, page, page_params, session_of, validated


class Words(serializers.CharField):
    """Several lines that were a string in JSON; the service tidies them."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("This must be a string.")
        return data


ABOUT = "Public id of a payment, load, redemption, message or report of yours"


class TicketMessageSerializer(Serializer):
    body = serializers.CharField()
    at = serializers.DateTimeField()


# A word of the language cannot be declared in the body of the class.
TicketMessageSerializer._declared_fields["from"] = serializers.ChoiceField(choices=["you", "staff"], help_text="Who wrote it")


class TicketSerializer(Serializer):
    id = serializers.CharField()
    subject = serializers.CharField()
    about = serializers.CharField(help_text="Public id of what it is about, or empty")
    status = serializers.ChoiceField(choices=Ticket.Status.choices, help_text="`open` waits for us, `waiting` for you")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class TicketDetailSerializer(TicketSerializer):
    messages = TicketMessageSerializer(many=True, help_text="Oldest first")


class WriteTicketSerializer(Serializer):
    subject = Text(max_length=SUBJECT_LONGEST)
    message = Words(max_length=BODY_LONGEST)
    about = Text(max_length=60, required=False, default="", allow_blank=True, help_text=ABOUT)


class ReplySerializer(Serializer):
    message = Words(max_length=BODY_LONGEST)


class PersonAppealSerializer(Serializer):
    id = serializers.CharField()
    against = serializers.CharField(help_text="freeze, payment, load, redemption, letter or dispute")
    about = serializers.CharField()
    message = serializers.CharField()
    status = serializers.ChoiceField(choices=Appeal.Status.choices)
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="By when we mean to answer")
    outcome = serializers.ChoiceField(choices=Appeal.Outcome.choices, allow_null=True)
    answer = serializers.CharField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)


class MakeAppealSerializer(Serializer):
    about = Text(max_length=60, allow_blank=True, required=False, default="", help_text=f"{ABOUT}; empty for a frozen account")
    message = Words(max_length=BODY_LONGEST, help_text="What we should know")


class DisputeSerializer(Serializer):
    id = serializers.CharField()
    about = serializers.CharField()
    kind = serializers.ChoiceField(choices=Dispute.Kind.choices)
    amount = serializers.IntegerField(help_text="Cents that were reported as wrong")
    message = serializers.CharField()
    status = serializers.ChoiceField(choices=Dispute.Status.choices)
    reported_at = serializers.DateTimeField()
    decide_by = serializers.DateTimeField(help_text="10 business days, 20 for a new account: by then we decide or credit you")
    final_by = serializers.DateTimeField(help_text="45 days, 90 for a new account: by then we decide in any case")
    credited = serializers.IntegerField(help_text="Cents in your wallet because of it")
    outcome = serializers.ChoiceField(choices=Dispute.Outcome.choices, allow_null=True)
    result = serializers.CharField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class ReportSerializer(Serializer):
    about = Text(max_length=60, help_text="Public id of a payment, load or redemption of yours")
    kind = serializers.ChoiceField(choices=Dispute.Kind.choices)
    amount = Cents(required=False, allow_null=True, default=None, help_text="How much of it is wrong; left out: all of it")
    message = Words(max_length=BODY_LONGEST)


def ticket_json(row: Ticket) -> dict[str, Any]:
    return {
        "id": row.public_id, "subject": row.subject, "about": row.about, "status": row.status, "created_at": row.created_at,
        "updated_at": row.updated_at,
    }  # fmt: skip


def talk_json(row: Ticket) -> dict[str, Any]:
    """With what was written; under its person's actor."""
    said = [{"from": "staff" if one.staff_id else "you", "body": one.body, "at": one.at} for one in support.messages(row)]
    return {**ticket_json(row), "messages": said}


def appeal_json(row: Appeal) -> dict[str, Any]:
    names = ("against", "about", "message", "status", "created_at", "due_at", "outcome", "answer", "answered_at")
    return {"id": row.public_id, **{name: getattr(row, name) for name in names}}


def dispute_json(row: Dispute) -> dict[str, Any]:
    names = (
        "about", "kind", "amount", "message", "status", "reported_at", "decide_by", "final_by", "credited", "closed_at",
    )  # fmt: skip
    closed = row.status == Dispute.Status.CLOSED
    return {
        "id": row.public_id, **{name: getattr(row, name) for name in names}, "status": support.shown_status(row),
        "outcome": row.outcome if closed else None, "result": row.result if closed else None,
    }  # fmt: skip


class TicketsView(APIView):
    @extend_schema(
        responses=list_of(TicketSerializer), parameters=[CURSOR, LIMIT], summary="Your conversations with us, newest first"
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        user_id = session_of(request).user_id
        before, limit = page_params(request.query_params)
        with actor(user_id):
            return page(support.tickets(user_id, before=before, limit=limit), limit, lambda row: row.pk, ticket_json)

    @extend_schema(request=WriteTicketSerializer, responses={201: TicketDetailSerializer}, summary="Write to our staff")
    def post(self, request: Request) -> Response:
        """The same words again, within a day and while it is open, are the same conversation. Five new ones in 24 hours."""
        user_id = session_of(request).user_id
        ticket = services.write_ticket(user_id=user_id, **validated(WriteTicketSerializer, request))
        with actor(user_id):
            return Response(talk_json(ticket), status=201)


class TicketView(APIView):
    @extend_schema(responses=TicketDetailSerializer, summary="One conversation")
    def get(self, request: Request, ticket: str) -> Response:
        """With all that was written."""
        user_id = session_of(request).user_id
        with actor(user_id):
            return Response(talk_json(support.ticket(user_id, ticket)))


class TicketReplyView(APIView):
    @extend_schema(request=ReplySerializer, responses={201: TicketDetailSerializer}, summary="Write on")
    def post(self, request: Request, ticket: str) -> Response:
        """What was solved is open again. The same words twice in a row are written once."""
        user_id = session_of(request).user_id
        row = services.reply_ticket(user_id=user_id, ticket=ticket, **validated(ReplySerializer, request))
        with actor(user_id):
            return Response(talk_json(row), status=201)


class AppealsView(APIView):
    @extend_schema(responses=list_of(PersonAppealSerializer), parameters=[CURSOR, LIMIT], summary="Your appeals, newest first")
    def get(self, request: Request) -> Response:
        """Newest first, with our answers."""
        user_id = session_of(request).user_id
        before, limit = page_params(request.query_params)
        with actor(user_id):
            return page(support.appeals(user_id, before=before, limit=limit), limit, lambda row: row.pk, appeal_json)

    @extend_schema(request=MakeAppealSerializer, responses={201: PersonAppealSerializer}, summary="Appeal against a decision")
    def post(self, request: Request) -> Response:
        """Somebody who had no part in the decision looks at it again. One open appeal about one thing."""
        user_id = session_of(request).user_id
        return Response(appeal_json(services.appeal(user_id=user_id, **validated(MakeAppealSerializer, request))), status=201)


class DisputesView(APIView):
    @extend_schema(responses=list_of(DisputeSerializer), parameters=[CURSOR, LIMIT], summary="What you reported, newest first")
    def get(self, request: Request) -> Response:
        """Newest first."""
        user_id = session_of(request).user_id
        before, limit = page_params(request.query_params)
        with actor(user_id):
            return page(support.disputes(user_id, before=before, limit=limit), limit, lambda row: row.pk, dispute_json)

    @extend_schema(request=ReportSerializer, responses={201: DisputeSerializer}, summary="Report something wrong")
    def post(self, request: Request) -> Response:
        """A payment, load or redemption that you did not make, or that is wrong. Once; again it is the same report."""
        user_id = session_of(request).user_id
        return Response(dispute_json(services.report(user_id=user_id, **validated(ReportSerializer, request))), status=201)


class DisputeView(APIView):
    @extend_schema(responses=DisputeSerializer, summary="One report")
    def get(self, request: Request, dispute: str) -> Response:
        """Where it stands, and by when we decide."""
        user_id = session_of(request).user_id
        with actor(user_id):
            return Response(dispute_json(support.dispute(user_id, dispute)))
