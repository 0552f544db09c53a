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
from marketplace.kernel.http import answer, client_address, idempotency_key
from marketplace.kernel.schema import IDEMPOTENCY_KEY, problems
from marketplace.kernel.serializers import EmptyBody

from .. import queries
from ..models import Order
from ..operations import code_of, reveal
from .serializers import OrderShape, RevealShape, represent_order


class OrderFilter(filters.FilterSet):
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
        responses={200: OrderShape(many=True), **problems(400, 401, 429)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([represent_order(order) for order in page])


class OrderDetail(APIView):
    @extend_schema(
        operation_id="read_order",
        summary="One of my orders",
        responses={200: OrderShape, **problems(401, 404, 429)},
    )
    def get(self, request: Request, no: str) -> Response:
        return Response(represent_order(queries.buyers_order(buyer_id(request), no)))


class Reveal(APIView):
    @extend_schema(
        operation_id="reveal_code",
        summary="Show a unit's code; the reveal is recorded",
        parameters=[IDEMPOTENCY_KEY],
        request=EmptyBody,
        responses={200: RevealShape, **problems(400, 401, 404, 409, 415, 422, 429)},
    )
    def post(self, request: Request, no: str, ref: str) -> Response:
        key = idempotency_key(request, "reveal")
        EmptyBody(data=request.data or {}).is_valid(raise_exception=True)
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
