"""The buyer's refund calls: translate, call one operation, translate back."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.identity.tokens import buyer_id
from marketplace.kernel.errors import NotFound
from marketplace.kernel.filters import FlagFilter
from marketplace.kernel.http import answer, body_or_nothing, idempotency_key, tagged
from marketplace.kernel.schema import CONDITIONAL, IDEMPOTENCY_KEY, READ, UNCHANGED, WRITE, problems
from marketplace.kernel.serializers import EmptyBody

from .. import queries
from ..descriptions import unsaid
from ..facts import of_buyer
from ..machine import OPEN, State
from ..models import Deadline, RefundRequest, Transition
from ..operations import file, say
from ..operations import request_person as asking
from ..operations import withdraw as withdrawal
from ..policies import NoPolicy
from ..policy import REASONS
from ..previews import preview
from ..reasons import REASON_CHOICES
from ..representation import represent, represent_transition, represent_whole
from . import examples
from . import serializers as shapes


class RequestFilter(filters.FilterSet):
    state = filters.ChoiceFilter(choices=State.choices)
    reason = filters.ChoiceFilter(choices=REASON_CHOICES)
    order = filters.CharFilter("order__no", max_length=20, help_text="Our number of the order.")
    external_no = filters.CharFilter(
        "order__external_no", max_length=128, help_text="The shop's number of the order."
    )
    open = FlagFilter(method="_open", help_text="true: not decided for good; false: closed.")

    class Meta:
        model = RefundRequest
        fields = ["state", "reason", "order", "external_no", "open"]

    def _open(self, rows: QuerySet[RefundRequest], _name: str, value: str) -> QuerySet[RefundRequest]:
        return rows.filter(state__in=OPEN) if value == "true" else rows.exclude(state__in=OPEN)


class RefundRequests(GenericAPIView[Any]):
    serializer_class = shapes.RefundRequestShape
    filterset_class = RequestFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return RefundRequest.objects.none()
        return queries.of_buyer(buyer_id(self.request))

    @extend_schema(
        operation_id="list_refund_requests",
        summary="My refund requests, newest first",
        responses={200: shapes.RefundRequestShape(many=True), **problems(400, *READ)},
        examples=[examples.CASE],
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        transfers = queries.transfers_of([row.number for row in page])
        now = timezone.now()
        return self.get_paginated_response([represent_whole(row, transfers[row.number], now) for row in page])

    @extend_schema(
        operation_id="file_refund_request",
        summary="Ask for money back",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.FilingSerializer,
        responses={201: shapes.FiledShape, **problems(*WRITE, NotFound, *examples.FILING_REFUSED)},
        examples=[*examples.FILING, examples.FILED],
    )
    def post(self, request: Request) -> Response:
        key = idempotency_key(request, "file")
        body = shapes.FilingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = file.file_request(
            buyer_id=buyer_id(request),
            filing=body.filing(),
            key=key,
            present=_newly_filed,
            now=timezone.now(),
        )
        return answer(outcome)


class RefundRequestDetail(APIView):
    @extend_schema(
        operation_id="read_refund_request",
        summary="One of my refund requests",
        parameters=CONDITIONAL,
        responses={200: shapes.RefundRequestShape, **UNCHANGED, **problems(*READ, NotFound)},
        examples=[examples.CASE, examples.ASKED],
    )
    def get(self, request: Request, number: str) -> Response:
        # Links to files are made anew each minute: within it the same case is the same answer, under the same ETag.
        minute = timezone.now().replace(second=0, microsecond=0)
        return tagged(request, whole(buyer_id(request), number, minute), "private, no-cache")


class Messages(APIView):
    @extend_schema(
        operation_id="write_message",
        summary="Say something in the case, or answer what was asked",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.MessageSerializer,
        responses={
            201: shapes.RefundRequestShape,
            **problems(*WRITE, NotFound, say.NothingSaid, say.CardNumber),
        },
        examples=[*examples.MESSAGE, examples.CHANGED],
    )
    def post(self, request: Request, number: str) -> Response:
        key = idempotency_key(request, "message")
        body = shapes.MessageSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = say.say_as_buyer(
            buyer_id=buyer_id(request),
            number=number,
            text=body.validated_data["text"],
            key=key,
            present=changed,
            now=timezone.now(),
        )
        return answer(outcome)


class Withdraw(APIView):
    @extend_schema(
        operation_id="withdraw_refund_request",
        summary="Withdraw a request before money is promised",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.WithdrawSerializer,
        responses={200: shapes.RefundRequestShape, **problems(*WRITE, NotFound, examples.WRONG_MOVE)},
        examples=[*examples.WITHDRAWAL, examples.CHANGED],
    )
    def post(self, request: Request, number: str) -> Response:
        key = idempotency_key(request, "withdraw")
        body = shapes.WithdrawSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = withdrawal.withdraw(
            buyer_id=buyer_id(request),
            number=number,
            key=key,
            present=changed,
            now=timezone.now(),
            note=body.validated_data["note"],
        )
        return answer(outcome)


class RequestPerson(APIView):
    @extend_schema(
        operation_id="request_person",
        summary="Ask for a person where the machine refused",
        parameters=[IDEMPOTENCY_KEY],
        request=EmptyBody,
        responses={
            200: shapes.RefundRequestShape,
            **problems(*WRITE, NotFound, examples.WRONG_MOVE, examples.UNITS_HELD, asking.DecidedByAPerson),
        },
        examples=[examples.NOTHING, examples.CHANGED],
    )
    def post(self, request: Request, number: str) -> Response:
        key = idempotency_key(request, "request-person")
        EmptyBody(data=body_or_nothing(request)).is_valid(raise_exception=True)
        outcome = asking.request_person(
            buyer_id=buyer_id(request),
            number=number,
            key=key,
            present=changed,
            now=timezone.now(),
        )
        return answer(outcome)


class Eligibility(APIView):
    @extend_schema(
        operation_id="preview_refund",
        summary="What would be decided, rule by rule, before filing",
        parameters=[
            OpenApiParameter("reason", str, required=True, enum=list(REASONS)),
            OpenApiParameter("remedy", str, enum=["refund", "replacement"]),
            OpenApiParameter("units", str, description="Refs of the units, separated by commas."),
            OpenApiParameter("description", str, description="As it would be filed; says what it lacks."),
        ],
        responses={
            200: shapes.EligibilityShape,
            **problems(400, *READ, NotFound, NoPolicy, examples.UNITS_HELD, examples.UNKNOWN_UNIT),
        },
        examples=[examples.PREVIEW],
    )
    def get(self, request: Request, no: str) -> Response:
        query = shapes.EligibilityQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        known = of_buyer(buyer_id(request), no)
        units = tuple(ref.strip() for ref in asked["units"].split(",")) if "units" in asked else None
        filing = file.Filing(no, asked["reason"], asked["remedy"], asked.get("description", ""), units)
        return Response(preview(known, filing, timezone.now(), is_described="description" in asked))


class OneClickRefund(APIView):
    @extend_schema(
        operation_id="one_click_refund",
        summary="Refund a small unused order, with no form",
        parameters=[IDEMPOTENCY_KEY],
        request=EmptyBody,
        responses={
            201: shapes.FiledShape,
            **problems(
                *WRITE, NotFound, NoPolicy, examples.UNITS_HELD, (file.NotOneClick, examples.FINDINGS)
            ),
        },
        examples=[examples.NOTHING, examples.FILED],
    )
    def post(self, request: Request, no: str) -> Response:
        key = idempotency_key(request, "one-click")
        EmptyBody(data=body_or_nothing(request)).is_valid(raise_exception=True)
        outcome = file.one_click_refund(
            buyer_id=buyer_id(request), order_no=no, key=key, present=_newly_filed, now=timezone.now()
        )
        return answer(outcome)


def _newly_filed(request: RefundRequest, units: list[str]) -> dict[str, Any]:
    """The answer to a filing, from memory: it is stored with the request in one statement."""
    filed = Transition(event="file", to_state=request.state, at=request.filed_at, actor="buyer")
    clocks = []
    if request.due_at:
        clocks = [Deadline(kind=request.due_kind, started_at=request.filed_at, due_at=request.due_at)]
    shown = represent(
        request,
        units=units,
        timeline=[represent_transition(filed)],
        deadlines=clocks,
    )
    return {**shown, "description_missing": unsaid(request, len(units))}


def changed(request: RefundRequest) -> dict[str, Any]:
    """The answer to a call that changed the request, as it is kept."""
    return whole(request.buyer_id, request.number)


def whole(buyer_id: int, number: str, now: datetime | None = None) -> dict[str, Any]:
    request = queries.buyers_request(buyer_id, number)
    return represent_whole(request, queries.transfers_of([number])[number], now)
