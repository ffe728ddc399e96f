"""The weekly share in the API: the same facts as on the pages."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.actor import actor
from core.api import Serializer, Text, page, page_params, session_of, validated
from rewards import queries, services, words
from rewards.models import Appeal
from rewards.queries import PersonsEstimate, PersonsWeek
from rewards.services.appeals import LONGEST
from rewards.strategies import STRATEGIES
from rewards.weeks import Week

STATUSES = ["in_review", "on_its_way", "paid", "owed", "reversed", "nothing"]
CURSOR = OpenApiParameter("cursor", str, description="`next_cursor` of the page before")
LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20})
WEEK = OpenApiParameter("week", str, OpenApiParameter.PATH, description="An ISO week, for example 2026-W46")


class HowSerializer(Serializer):
    """How the week came about. rewards + operations + stays + carried_out = revenue - costs + carried_in + was_there."""

    revenue = serializers.IntegerField(help_text="What the network took in, Monday 00:00 to Monday 00:00 UTC")
    costs = serializers.IntegerField(help_text="What banks and rails took for it")
    carried_in = serializers.IntegerField(help_text="What the week before was short of, negative or 0")
    net = serializers.IntegerField()
    operations = serializers.IntegerField(help_text="The operators' share")
    operations_percent = serializers.CharField()
    to_pool = serializers.IntegerField()
    was_there = serializers.IntegerField(help_text="What earlier weeks left in the pool")
    pool = serializers.IntegerField()
    active = serializers.IntegerField(help_text="People among whom it was shared")
    strategy = serializers.ChoiceField(choices=list(STRATEGIES))
    rewards = serializers.IntegerField(help_text="All rewards together")
    stays = serializers.IntegerField(help_text="What stays in the pool")
    carried_out = serializers.IntegerField(help_text="What the next week has to make up for, negative or 0")
    digest = serializers.CharField(help_text="SHA-256 of the list of recipients, stored at the close")


class AppealSerializer(Serializer):
    id = serializers.CharField()
    week = serializers.CharField()
    message = serializers.CharField()
    created_at = serializers.DateTimeField()
    answer = serializers.CharField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)


class RewardSerializer(Serializer):
    week = serializers.CharField(help_text="ISO week")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(help_text="Its Sunday")
    status = serializers.ChoiceField(choices=STATUSES)
    amount = serializers.IntegerField(help_text="Cents")
    currency = serializers.ChoiceField(choices=["USD"])
    payments = serializers.IntegerField(help_text="Payments you made to others in this week")
    payments_counted = serializers.IntegerField(help_text="Those of them that did not lead back to you")
    reason = serializers.CharField(help_text="`active`, or why there is nothing")
    why = serializers.CharField(help_text="The reason in words; empty where there is a reward")
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it goes out by itself; null while our staff hold it")
    how = HowSerializer()
    appeal = AppealSerializer(allow_null=True)


class EstimateSerializer(Serializer):
    week = serializers.CharField()
    as_of = serializers.DateTimeField(allow_null=True)
    counts = serializers.BooleanField(help_text="Whether you would be part of it if the week ended now")
    amount = serializers.IntegerField(help_text="What your share would be then, in cents")
    pool = serializers.IntegerField()
    active = serializers.IntegerField()
    missing = serializers.CharField(help_text="What is missing where you would not be; empty where nothing is")
    caveat = serializers.CharField()


class RewardListSerializer(Serializer):
    data = RewardSerializer(many=True)  # type: ignore[assignment]
    next_cursor = serializers.CharField(allow_null=True)
    estimate = EstimateSerializer()


class AskSerializer(Serializer):
    message = Text(max_length=LONGEST, help_text="What you think went wrong")


CAVEAT = "An estimate: the week goes on, and what others pay or take back changes it. Nothing of it is promised."


def appeal_json(row: Appeal | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "id": row.public_id, "week": row.week, "message": row.message, "created_at": row.created_at, "answer": row.answer,
        "answered_at": row.answered_at,
    }  # fmt: skip


_OF_THE_RUN = (
    "revenue", "costs", "carried_in", "net", "operations", "to_pool", "was_there", "pool", "active", "rewards", "stays",
    "carried_out", "digest",
)  # fmt: skip


def week_json(week: PersonsWeek) -> dict[str, Any]:
    run = week.run
    return {
        "week": run.week,
        "starts_on": run.starts_on,
        "ends_on": run.when.sunday,
        "status": week.status,
        "amount": week.amount,
        "currency": "USD",
        "payments": week.payments,
        "payments_counted": week.counted,
        "reason": week.reason,
        "why": week.why,
        "due_at": None if run.held else run.distribute_at,
        "how": {
            **{name: getattr(run, name) for name in _OF_THE_RUN},
            "operations_percent": words.percent(week.setting.operations_share),
            "strategy": week.setting.strategy,
        },
        "appeal": appeal_json(week.appeal),
    }  # fmt: skip


def estimate_json(now: PersonsEstimate) -> dict[str, Any]:
    return {
        "week": now.week.name, "as_of": now.as_of, "counts": now.counts, "amount": now.share, "pool": now.pool,
        "active": now.active, "missing": now.missing, "caveat": CAVEAT,
    }  # fmt: skip


class RewardsView(APIView):
    @extend_schema(responses=RewardListSerializer, parameters=[CURSOR, LIMIT])
    def get(self, request: Request) -> Response:
        """Your share of each closed week, newest first, each with how it came about; and an estimate of the running week."""
        user_id = session_of(request).user_id
        before, limit = page_params(request.query_params)
        with actor(user_id):
            weeks = queries.persons_weeks(user_id, before=before, limit=limit)
            answer = page(weeks, limit, lambda week: week.run.starts_on.toordinal(), week_json)
            answer.data["estimate"] = estimate_json(queries.persons_estimate(user_id))
        return answer


class RewardView(APIView):
    @extend_schema(responses=RewardSerializer, parameters=[WEEK])
    def get(self, request: Request, week: str) -> Response:
        """Your share of one closed week."""
        user_id = session_of(request).user_id
        with actor(user_id):
            return Response(week_json(queries.persons_week(user_id, Week.parse(week))))


class AppealView(APIView):
    @extend_schema(request=AskSerializer, responses={201: AppealSerializer}, parameters=[WEEK])
    def post(self, request: Request, week: str) -> Response:
        """Ask our staff about a closed week, once; the same words again are answered with what is there."""
        user_id = session_of(request).user_id
        message = validated(AskSerializer, request)["message"]
        return Response(appeal_json(services.appeal(user_id=user_id, week=Week.parse(week), message=message)), status=201)
