"""Strict request bodies: unknown fields are errors, money is minor units, times carry their offset."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from .money import EXPONENTS, MAX_AMOUNT


class StrictSerializer(serializers.Serializer[Any]):
    """A plain Serializer that refuses names it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [name for name in data if name not in self.fields or self.fields[name].read_only]
            if unknown:
                allowed = ", ".join(name for name, field in self.fields.items() if not field.read_only)
                message = _("There is no field of this name. Fields: %(allowed)s.") % {"allowed": allowed}
                raise serializers.ValidationError(
                    {name: [serializers.ErrorDetail(message, "unknown_field")] for name in unknown}
                )
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """JSON integers only: "4900", 49.0 and true are not amounts."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class TextField(serializers.CharField):
    """JSON strings only, without control characters other than line breaks and tabs."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def instant(value: datetime) -> str:
    return timezone.localtime(value).isoformat(timespec="seconds")


class EmptyBody(StrictSerializer):
    """An empty body, or {}."""


class MoneyField(StrictSerializer):
    """`{"amount": 4900, "currency": "CNY"}` in minor units."""

    amount = StrictIntegerField(min_value=1, max_value=MAX_AMOUNT)
    currency = serializers.ChoiceField(choices=sorted(EXPONENTS))
