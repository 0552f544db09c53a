"""What anybody may know of the service: an outage, and a peak that has begun or is to come."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kernel.schema import problems
from marketplace.kernel.serializers import instant

from ..announcements import Announced, announced
from .public_examples import BUSY, QUIET


class OutageShape(serializers.Serializer[Any]):
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(
        allow_null=True, help_text="Null while it goes on; then its time is still being added to the clocks."
    )
    note = serializers.CharField(help_text="What happened.")


class PeakShape(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    percent = serializers.IntegerField(
        help_text="Clocks that start in it run at this share of their usual length."
    )
    note = serializers.CharField(help_text="The announcement.")


class ServiceStatusShape(serializers.Serializer[Any]):
    outage = OutageShape(allow_null=True, help_text="While it is here, no deadline is held against anybody.")
    peak = PeakShape(
        allow_null=True, help_text="The one that is on, or the next. Running clocks stay as they are."
    )


class ServiceStatus(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(
        operation_id="read_service_status",
        summary="Outage and peak, as announced to everybody",
        auth=[],
        responses={200: ServiceStatusShape, **problems(429)},
        examples=[QUIET, BUSY],
    )
    def get(self, request: Request) -> Response:
        return Response(represent_announced(announced(timezone.now())))


def represent_announced(news: Announced) -> dict[str, Any]:
    outage, peak = news
    return {
        "outage": outage
        and {
            "started_at": instant(outage.started_at),
            "ended_at": instant(outage.ended_at) if outage.ended_at else None,
            "note": outage.note,
        },
        "peak": peak
        and {
            "starts_at": instant(peak.starts_at),
            "ends_at": instant(peak.ends_at),
            "percent": peak.percent,
            "note": peak.note,
        },
    }
