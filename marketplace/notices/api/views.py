"""The buyer's notices: translate, call one operation, translate back."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.identity.tokens import buyer_id
from marketplace.kernel.errors import NotFound
from marketplace.kernel.filters import FlagFilter
from marketplace.kernel.http import answer, idempotency_key
from marketplace.kernel.schema import IDEMPOTENCY_KEY, READ, WRITE, problems

from ..models import Notice
from ..operations.read import read_as_buyer, want_as_buyer
from ..queries import notices_of
from ..topics import RecipientKind, Way
from . import serializers as shapes

EXAMPLE = {
    "id": 1201,
    "topic": "rejected",
    "request": "RF261120K7M2Q9XA",
    "title": "Refund request RF261120K7M2Q9XA rejected",
    "body": "Your request for CNY 49.00 from order OD261104P3H8W2LC was rejected.\n"
    "Clause B6: it was decided by the time in which a refund may be asked for. That time ended at 2026-11-19 10:00.",
    "data": {
        "number": "RF261120K7M2Q9XA",
        "order": "OD261104P3H8W2LC",
        "state": "rejected",
        "event": "policy_reject",
        "amount": {"amount": 4900, "currency": "CNY"},
        "clause": "B6",
        "rule": "window",
        "closes_at": "2026-11-19T10:00:00+08:00",
    },
    "created_at": "2026-11-20T09:30:00+08:00",
    "read_at": None,
}

PREFERENCES = {
    "results": [
        {"group": "decisions", "title": "Decisions", "optional": False, "email": True, "sms": True},
        {"group": "progress", "title": "Progress of my cases", "optional": True, "email": False, "sms": True},
    ]
}


class NoticeFilter(filters.FilterSet):
    unread = FlagFilter("read_at", lookup_expr="isnull", help_text="true: only what was not read.")
    request = filters.CharFilter(  # type: ignore[assignment]  # the metaclass takes it away again
        "subject", help_text="Number of a refund request."
    )

    class Meta:
        model = Notice
        fields = ["unread", "request"]


class Notifications(GenericAPIView[Any]):
    serializer_class = shapes.NoticeShape
    filterset_class = NoticeFilter

    def get_queryset(self) -> QuerySet[Notice]:
        if getattr(self, "swagger_fake_view", False):
            return Notice.objects.none()
        return notices_of(RecipientKind.BUYER, buyer_id(self.request))

    @extend_schema(
        operation_id="list_notifications",
        summary="What I was told, newest first",
        responses={200: shapes.NoticeShape(many=True), **problems(400, *READ)},
        examples=[OpenApiExample("Rejected", EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([shapes.represent(notice) for notice in page])


class Read(APIView):
    @extend_schema(
        operation_id="read_notifications",
        summary="Mark notices as read: some by id, or all up to one",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.ReadSerializer,
        responses={200: shapes.ReadShape, **problems(*WRITE, (NotFound, {"pointer": "/ids"}))},
        examples=[
            OpenApiExample("Two of them", {"ids": [1201, 1207]}, request_only=True),
            OpenApiExample("All up to one", {"up_to": 1207}, request_only=True),
            OpenApiExample("Done", {"read": 2, "unread": 0}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        key = idempotency_key(request, "read")
        body = shapes.ReadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = read_as_buyer(
            buyer_id=buyer_id(request),
            ids=body.validated_data.get("ids"),
            up_to=body.validated_data.get("up_to"),
            key=key,
            now=timezone.now(),
        )
        return answer(outcome)


class Preferences(APIView):
    @extend_schema(
        operation_id="read_notification_preferences",
        summary="Which notices I want by email and SMS",
        responses={200: shapes.PreferencesShape, **problems(*READ)},
        examples=[OpenApiExample("As set", PREFERENCES, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        return Response(shapes.represent_preferences(buyer_id(request)))

    @extend_schema(
        operation_id="set_notification_preference",
        summary="Turn one way on or off for a group of topics",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.PreferenceSerializer,
        responses={200: shapes.PreferencesShape, **problems(*WRITE)},
        examples=[
            OpenApiExample(
                "No mails of progress",
                {"group": "progress", "way": "email", "wanted": False},
                request_only=True,
            ),
            OpenApiExample("As set", PREFERENCES, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        key = idempotency_key(request, "prefer")
        body = shapes.PreferenceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = want_as_buyer(
            buyer_id=buyer_id(request),
            way=Way(body.validated_data["way"]),
            group=body.validated_data["group"],
            wanted=body.validated_data["wanted"],
            key=key,
            present=shapes.represent_preferences,
            now=timezone.now(),
        )
        return answer(outcome)
