"""What every operation of the API document shares: problem details and the Idempotency-Key header."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class MoneyShape(serializers.Serializer[Any]):
    amount = serializers.IntegerField(help_text="Minor units, e.g. fen.")
    currency = serializers.CharField()


class FieldError(serializers.Serializer[Any]):
    pointer = serializers.CharField(
        help_text="JSON pointer into the request body; empty for the body itself."
    )
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457 problem details. `code` is stable; texts follow Accept-Language. Some codes add members."""

    type = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField(required=False)
    errors = FieldError(many=True, required=False)  # type: ignore[assignment]  # a field, not Serializer.errors


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="New for each new request, 1 to 255 visible ASCII characters. The same key and body give the first "
    "answer again, with Idempotent-Replayed: true.",
)

_MEANING = {
    400: ("validation_error", "The request is not valid."),
    401: ("not_authenticated", "Authentication credentials were not provided."),
    403: ("permission_denied", "You may not do this."),
    404: ("not_found", "Not found."),
    405: ("method_not_allowed", "Method not allowed."),
    406: ("not_acceptable", "Could not satisfy the Accept header."),
    409: ("open_request_exists", "There is an open request for this already."),
    413: ("request_too_large", "The body is too large."),
    415: ("unsupported_media_type", "Unsupported media type."),
    422: ("not_refundable", "This cannot be refunded."),
    429: ("throttled", "Too many requests."),
    503: ("scan_unavailable", "Files cannot be checked at the moment. Try again later."),
}


def problems(*statuses: int) -> dict[Any, Any]:
    """The problem responses of an operation, by status, for extend_schema(responses=...)."""
    return {
        (status, "application/problem+json"): OpenApiResponse(
            Problem,
            description=_MEANING[status][1],
            examples=[
                OpenApiExample(
                    _MEANING[status][0],
                    {
                        "type": "about:blank",
                        "status": status,
                        "code": _MEANING[status][0],
                        "title": _MEANING[status][1],
                    },
                )
            ],
        )
        for status in statuses
    }
