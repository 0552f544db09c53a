"""Giving evidence, applying again with it, and what counts as evidence."""

import json
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.identity.tokens import buyer_id
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.http import answer, body_or_nothing, idempotency_key
from marketplace.kernel.schema import IDEMPOTENCY_KEY, KEYED, READ, WRITE, problems
from marketplace.kernel.serializers import StrictSerializer, TextField
from marketplace.kernel.throttling import PerAddress, PerUser

from ..models.evidence import KIND_CHOICES
from ..operations import give_evidence, resubmit
from ..operations.take_file import Upload
from . import examples
from . import serializers as shapes
from .views import changed


class Uploads(PerUser):
    """A file costs seconds of work, a call milliseconds."""

    scope = "upload"


class MalformedForm(Refusal):
    code = "malformed_form"
    status = 400
    title = _("The form could not be read. Send multipart/form-data with kind, file and, if you like, note.")


FORM = (400, MalformedForm, 415)  # what any call with a form may be answered


class FormParser(MultiPartParser):
    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except ParseError as error:
            raise MalformedForm() from error


class EvidenceSerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=KIND_CHOICES)
    file = serializers.FileField(allow_empty_file=True)  # an empty one is refused with the others
    note = TextField(max_length=give_evidence.MAX_NOTE, required=False, allow_blank=True, default="")

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, QueryDict):
            twice = [name for name in data if len(data.getlist(name)) > 1]
            if twice:
                text = serializers.ErrorDetail(gettext("Send this once; one file a call."), "repeated_field")
                raise serializers.ValidationError({name: [text] for name in twice})
        return super().to_internal_value(data)


class GiveEvidence(APIView):
    parser_classes = [FormParser]
    throttle_classes = [PerUser, PerAddress, Uploads]

    @extend_schema(
        operation_id="give_evidence",
        summary="Add a file to the case, or answer with one what was asked for",
        description="PNG, JPEG, WebP, PDF or MP4, by content. The file is cleaned of everything but what it shows. A "
        "file that is refused leaves the case as it was.",
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": EvidenceSerializer},
        responses={
            201: shapes.RefundRequestShape,
            **problems(*FORM, *KEYED, *READ, NotFound, *examples.FILE_REFUSED),
        },
        examples=[examples.CHANGED],
    )
    def post(self, request: Request, number: str) -> Response:
        idempotency_key(request, "evidence", b"")  # asked for before megabytes are read
        body = EvidenceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        upload = Upload.of(data["file"])
        content = json.dumps([data["kind"], data["note"], upload.file.name, upload.sha256.hex()]).encode()
        outcome = give_evidence.give_as_buyer(
            buyer_id=buyer_id(request),
            number=number,
            kind=data["kind"],
            upload=upload,
            note=data["note"],
            key=idempotency_key(request, "evidence", content),
            present=changed,
            now=timezone.now(),
        )
        return answer(outcome)


class ResubmitSerializer(StrictSerializer):
    note = TextField(max_length=1000, required=False, allow_blank=True, default="")


class Resubmit(APIView):
    @extend_schema(
        operation_id="resubmit_refund_request",
        summary="Apply again after a rejection, with new evidence",
        parameters=[IDEMPOTENCY_KEY],
        request=ResubmitSerializer,
        responses={
            200: shapes.RefundRequestShape,
            **problems(*WRITE, NotFound, examples.WRONG_MOVE, *examples.RESUBMIT_REFUSED),
        },
        examples=[*examples.RESUBMISSION, examples.CHANGED],
    )
    def post(self, request: Request, number: str) -> Response:
        key = idempotency_key(request, "resubmit")
        body = ResubmitSerializer(data=body_or_nothing(request))
        body.is_valid(raise_exception=True)
        outcome = resubmit.resubmit(
            buyer_id=buyer_id(request),
            number=number,
            key=key,
            present=changed,
            now=timezone.now(),
            note=body.validated_data["note"],
        )
        return answer(outcome)
