"""The buyer's orders: list, read, reveal a code."""

from typing import Any

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.identity.tokens import buyer_id
from marketplace.kernel.errors import NotFound
from marketplace.kernel.http import answer, body_or_nothing, client_address, idempotency_key
from marketplace.kernel.schema import IDEMPOTENCY_KEY, READ, WRITE, problems
from marketplace.kernel.serializers import EmptyBody

from .. import queries
from ..goods import GoodsType
from ..models import Order
from ..operations import NothingToReveal, code_of, reveal
from . import examples
from .serializers import OrderShape, RevealShape, represent_order


class OrderFilter(filters.FilterSet):
    external_no = filters.CharFilter(max_length=128, help_text="The shop's number of the order.")
    goods_type = filters.ChoiceFilter(choices=GoodsType.choices)

    class Meta:
        model = Order
        fields = ["external_no", "goods_type"]


class Orders(GenericAPIView[Any]):
    serializer_class = OrderShape
    filterset_class = OrderFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Order.objects.none()
        return queries.of_buyer(buyer_id(self.request))

    @extend_schema(
        operation_id="list_orders",
        summary="My orders, newest first",
        responses={200: OrderShape(many=True), **problems(400, *READ)},
        examples=[examples.ORDER],
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([represent_order(order) for order in page])


class OrderDetail(APIView):
    @extend_schema(
        operation_id="read_order",
        summary="One of my orders",
        responses={200: OrderShape, **problems(*READ, NotFound)},
        examples=[examples.ORDER],
    )
    def get(self, request: Request, no: str) -> Response:
        return Response(represent_order(queries.buyers_order(buyer_id(request), no)))


class Reveal(APIView):
    @extend_schema(
        operation_id="reveal_code",
        summary="Show a unit's code; the reveal is recorded",
        parameters=[IDEMPOTENCY_KEY],
        request=EmptyBody,
        responses={200: RevealShape, **problems(*WRITE, NotFound, NothingToReveal)},
        examples=[examples.NOTHING, examples.REVEALED],
    )
    def post(self, request: Request, no: str, ref: str) -> Response:
        key = idempotency_key(request, "reveal")
        EmptyBody(data=body_or_nothing(request)).is_valid(raise_exception=True)
        owner = buyer_id(request)
        outcome = reveal(
            buyer_id=owner,
            order_no=no,
            ref=ref,
            key=key,
            now=timezone.now(),
            ip=client_address(request),
            device=request.headers.get("User-Agent", ""),
        )
        response = answer(outcome, {**outcome.answer, "code": code_of(buyer_id=owner, order_no=no, ref=ref)})
        response["Cache-Control"] = "no-store"
        return response
