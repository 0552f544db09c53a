"""The three calls shops make. Each validates, calls one operation, and answers."""

from typing import Any, cast

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from marketplace.intake import operations
from marketplace.intake.bodies import NoBody
from marketplace.intake.shops import CallingShop
from marketplace.intake.validation import events_record, order_record, parsed
from marketplace.kernel.http import answer
from marketplace.kernel.throttling import FixedWindow
from marketplace.orders.models import Shop

from . import schema
from .signature import ShopSignature, message_key


class PerShop(FixedWindow):
    scope = "shop"

    def ident(self, request: Request) -> str | None:
        return str(request.user.pk)


class ShopView(APIView):
    authentication_classes = [ShopSignature]
    # The signature is the permission: without it there is no shop to act for.
    permission_classes: list[Any] = []
    throttle_classes: list[type[BaseThrottle]] = [PerShop]

    def shop(self) -> Shop:
        calling = cast(CallingShop, self.request.user)  # ShopSignature lets nobody else in
        return Shop(pk=calling.pk, code=calling.code)


class OrdersView(ShopView):
    @schema.push_order
    def post(self, request: Request) -> Response:
        now = timezone.now()
        key, record = message_key(request), order_record(request.data, now=now)
        return answer(operations.take_order(shop=self.shop(), record=record, key=key, now=now))


class OrderEventsView(ShopView):
    @schema.append_events
    def post(self, request: Request, external_no: str) -> Response:
        now = timezone.now()
        key, (unit_ref, events) = message_key(request), events_record(request.data, now=now)
        return answer(
            operations.append_events(
                shop=self.shop(), external_no=external_no, unit_ref=unit_ref, events=events, key=key, now=now
            )
        )


class BuyerTokenView(ShopView):
    @schema.issue_token
    def post(self, request: Request, external_id: str) -> Response:
        key, _nothing = message_key(request), parsed(NoBody, request.data)
        return answer(
            operations.issue_buyer_token(
                shop=self.shop(), external_id=external_id, key=key, now=timezone.now()
            )
        )
