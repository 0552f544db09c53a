"""What every operation of the API document shares: problem details by their codes, and headers that recur."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import override
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from .errors import Refusal
from .http import KeyRequired
from .idempotency import InProgress, KeyReused
from .serializers import StrictSerializer


class MoneyShape(serializers.Serializer[Any]):
    amount = serializers.IntegerField(help_text="Minor units, e.g. fen.")
    currency = serializers.CharField()


class FieldError(serializers.Serializer[Any]):
    pointer = serializers.CharField(
        help_text="JSON pointer into the request body, or the name of a query parameter; empty for the body itself."
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
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    required=True,
    description="New for each new request, 1 to 255 visible ASCII characters. The same key and body give the first "
    "answer again, with Idempotent-Replayed: true.",
    examples=[OpenApiExample("A UUID", "0192e7a4-8c1f-7d35-9d0e-5b1f6a2c7e90")],
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="An ETag had before; 304 without a body where nothing has changed since.",
    examples=[OpenApiExample("An ETag", '"6f1ed002ab5595859014ebf0951522d9"')],
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    required=True,
    response=[200, 304],
    description="Strong: the same as long as not a byte of the answer changes.",
)
# Give both: `parameters=CONDITIONAL` and `**UNCHANGED` among the responses.
CONDITIONAL = [IF_NONE_MATCH, ETAG]
UNCHANGED: dict[Any, Any] = {304: OpenApiResponse(None, "Nothing has changed since that ETag.")}

Named = type[Refusal] | tuple[type[Refusal], dict[str, Any]]  # with what the code adds to the problem

_FIELD = {"pointer": "/reason", "code": "invalid_choice", "detail": "'because' is not a valid choice."}
# status -> (code, title, what else the problem has): what the frame around every view may answer.
_FRAME: dict[int, list[tuple[str, str, dict[str, Any]]]] = {
    400: [("validation_error", "The request is not valid.", {"errors": [_FIELD]})],
    401: [
        ("not_authenticated", "Authentication credentials were not provided.", {}),
        ("authentication_failed", "The token is not valid. Sign in again.", {}),
    ],
    403: [("permission_denied", "You may not do this.", {})],
    404: [("not_found", "Not found.", {})],
    405: [("method_not_allowed", "Method not allowed.", {})],
    406: [("not_acceptable", "Could not satisfy the request Accept header.", {})],
    413: [("body_too_large", "The body is too large.", {})],
    415: [("unsupported_media_type", "Unsupported media type in request.", {})],
    429: [("throttled", "Request was throttled. Expected available in 12 seconds.", {})],
}
# Given as a number these say that something of the kind is refused, and leave open under which code.
_OPEN = {409: "Refused as things stand.", 422: "Understood, and refused.", 503: "Not at the moment."}
_MALFORMED: tuple[str, str, dict[str, Any]] = (
    "malformed_json",
    "The body is not valid JSON: Expecting value: line 1 column 11 (char 10)",
    {},
)

BODY = (400, "malformed_json", 413, 415)  # what any call with a JSON body may be answered
KEYED = (KeyRequired, InProgress, KeyReused)  # and any with an Idempotency-Key
WRITE = (*BODY, *KEYED, 401, 429)
READ = (401, 429)


def problems(*said: int | str | Named) -> dict[Any, Any]:
    """The problem responses of an operation, for extend_schema(responses=...).

    A refusal is named by its class, with an example of what it adds where it adds something; the frame's own by their
    status. Each answer is documented with the codes it may have, and an example of each.
    """
    found: dict[int, list[tuple[str, str, dict[str, Any]]]] = {}
    for one in said:
        for status, problem in _named(one):
            rows = found.setdefault(status, [])
            if problem is not None and problem not in rows:
                rows.append(problem)
    open_ones = {one for one in said if isinstance(one, int) and one in _OPEN}
    return {
        (status, "application/problem+json"): _response(status, found[status], closed=status not in open_ones)
        for status in sorted(found)
    }


def _named(one: int | str | Named) -> Iterator[tuple[int, tuple[str, str, dict[str, Any]] | None]]:
    if one == _MALFORMED[0]:
        yield 400, _MALFORMED
    elif isinstance(one, int):
        rows = _FRAME.get(one)
        yield from ((one, row) for row in rows) if rows else [(one, None)]
    else:
        assert not isinstance(one, str), one
        refusal, more = one if isinstance(one, tuple) else (one, {})
        with override("en"):
            yield refusal.status, (refusal.code, str(refusal.title), more)


def _response(status: int, rows: list[tuple[str, str, dict[str, Any]]], *, closed: bool) -> OpenApiResponse:
    examples = [
        OpenApiExample(code, {"type": "about:blank", "status": status, "code": code, "title": title, **more})
        for code, title, more in rows
    ]
    schema = problem_schema([code for code, _title, _more in rows] if closed else None)
    return OpenApiResponse(schema, rows[0][1] if rows else _OPEN[status], examples)


def problem_schema(codes: Iterable[str] | None) -> dict[str, Any]:
    """A problem with one of these codes; with None, of any."""
    reference = {"$ref": "#/components/schemas/Problem"}
    if codes is None:
        return reference
    return {"allOf": [reference, {"properties": {"code": {"enum": sorted(set(codes))}}}]}


class ApiSchema(AutoSchema):
    """drf-spectacular's, told what our views are: a list by its 2xx answer, a strict body closed to other names."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        found = self.get_response_serializers() if serializer is None else serializer
        if isinstance(found, dict):  # else it would look at the first key, which is a problem's
            found = next((each for code, each in found.items() if str(code).startswith("2")), None)
        return bool(found is not None and super()._is_list_view(found))

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        self.resolve_serializer(Problem, "response")
        return super()._get_response_bodies(direction)

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: Any) -> Any:
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
            if schema.get("description") == StrictSerializer.__doc__:  # says nothing of this body
                del schema["description"]
        return schema
