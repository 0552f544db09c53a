"""A buyer's order as JSON. A code is never in it: it comes from reveal alone."""

from typing import Any

from rest_framework import serializers

from marketplace.kernel.schema import MoneyShape
from marketplace.kernel.serializers import instant

from ..goods import EventType, GoodsType, Place
from ..models import Order, Unit


def represent_order(order: Order) -> dict[str, Any]:
    return {
        "no": order.no,
        "external_no": order.external_no,
        "seller": order.seller.code,
        "title": order.title,
        "goods_type": order.goods_type,
        "terms": order.snapshot.get("terms") or {},
        "quantity": order.quantity,
        "total": order.money.json(),
        "created_at": instant(order.placed_at),
        "paid_at": instant(order.paid_at) if order.paid_at else None,
        "completed_at": instant(order.completed_at) if order.completed_at else None,
        "units": [_represent_unit(unit) for unit in order.units.all()],
    }


def _represent_unit(unit: Unit) -> dict[str, Any]:
    events = list(unit.events.all())
    return {
        "ref": unit.ref,
        "amount": unit.amount,
        "place": unit.place,
        "revealed": any(event.type == EventType.REVEALED for event in events),
        "events": [{"type": event.type, "at": instant(event.at)} for event in events],
    }


class EventShape(serializers.Serializer[Any]):
    type = serializers.ChoiceField(EventType.choices)
    at = serializers.DateTimeField()


class UnitShape(serializers.Serializer[Any]):
    ref = serializers.CharField()
    amount = serializers.IntegerField(help_text="This unit's share of the total, minor units.")
    place = serializers.ChoiceField(
        Place.choices, help_text="Of a unit and its replacements one is in place; the others take no money."
    )
    revealed = serializers.BooleanField()
    events = EventShape(many=True)


class OrderShape(serializers.Serializer[Any]):
    no = serializers.CharField()
    external_no = serializers.CharField()
    seller = serializers.CharField()
    title = serializers.CharField()
    goods_type = serializers.ChoiceField(GoodsType.choices)
    terms = serializers.DictField(help_text="The terms shown at purchase.")
    quantity = serializers.IntegerField()
    total = MoneyShape()
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    units = UnitShape(many=True)


class RevealShape(serializers.Serializer[Any]):
    order = serializers.CharField()
    unit = serializers.CharField()
    code = serializers.CharField()
    revealed_at = serializers.DateTimeField()
