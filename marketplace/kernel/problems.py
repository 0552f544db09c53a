"""Every error answer of the API is RFC 9457 problem details, with a stable code and JSON pointers."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from .errors import Refusal

CONTENT_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: translate refusals and DRF's own errors; anything else becomes a logged 500."""
    set_rollback()
    headers: dict[str, str] = {}
    if isinstance(error, Refusal):
        body = problem(error.status, error.code, str(error.title), str(error.detail), **error.extra)
    elif isinstance(error, exceptions.ValidationError):
        body = problem(
            400, "validation_error", _("The request is not valid."), errors=list(_field_errors(error))
        )
    elif isinstance(error, exceptions.APIException):
        headers = _headers(error)
        code = getattr(error, "code", None) or _code(error)
        body = problem(error.status_code, code, str(error.detail))
    elif isinstance(error, RequestDataTooBig):
        body = problem(
            413,
            "body_too_large",
            _("The body is too large. Push long lists of orders one by one, or import them as a file."),
        )
    elif isinstance(error, Http404):
        body = problem(404, "not_found", _("Not found."))
    elif isinstance(error, PermissionDenied):
        body = problem(403, "permission_denied", _("You may not do this."))
    else:
        log.exception("unhandled error", exc_info=error)
        body = problem(500, "internal_error", _("Something went wrong on our side. Nothing was changed."))
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def problem(status: int, code: str, title: str, detail: str = "", **extra: Any) -> dict[str, Any]:
    body = {"type": "about:blank", "status": status, "code": code, "title": title, **extra}
    if detail and detail != title:
        body["detail"] = detail
    return body


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, "not_found", _("Not found."))


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(
        request, 500, "internal_error", _("Something went wrong on our side. Nothing was changed.")
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, Refusal):  # of what was uploaded, while the form was read
        return _answer(request, exception.status, exception.code, str(exception.detail))
    return _answer(request, 400, "bad_request", _("The request could not be read."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "permission_denied", _("You may not do this."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(
        request, 403, "csrf_failed", _("This page was open too long. Go back, reload it and try again.")
    )


def _answer(request: HttpRequest, status: int, code: str, title: str) -> HttpResponse:
    """Problem details for programs, a page for people."""
    if request.path.startswith(("/api/", "/health/")):
        return JsonResponse(problem(status, code, title), status=status, content_type=CONTENT_TYPE)
    return HttpResponse(render_to_string("error.html", {"status": status, "title": title}), status=status)


def _code(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else error.default_code
    return {"error": "internal_error", "parse_error": "malformed_json"}.get(code, code)


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(error.auth_header)  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined]
    return headers


def _field_errors(error: exceptions.ValidationError) -> Iterator[dict[str, str]]:
    yield from _walk(error.detail, "")


def _walk(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            part = "" if name == "non_field_errors" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from _walk(inner, pointer + part)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from _walk(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        yield {"pointer": pointer, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}
