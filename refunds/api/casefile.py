"""The buyer's own file of a case, to be taken elsewhere."""

from typing import Any

from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.identity.tokens import buyer_id
from marketplace.kernel.errors import NotFound
from marketplace.kernel.schema import READ, problems
from marketplace.kernel.serializers import StrictSerializer
from marketplace.kernel.throttling import PerAddress, PerUser

from ..casefile.purposes import Language, Purpose
from ..models import CaseFileMade
from ..operations.make_case_file import make_as_buyer
from .examples import CASE_FILE_REFUSED


class CaseFiles(PerUser):
    """A file costs seconds of work, a call milliseconds."""

    scope = "case_file"


class FileNotText(BaseContentNegotiation):
    """`format` is ours here and not the framework's; what is sent is the file, and a problem is JSON as everywhere."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class CaseFileQuery(StrictSerializer):
    purpose = serializers.ChoiceField(choices=Purpose.choices, required=False, default=Purpose.ARBITRATION)
    language = serializers.ChoiceField(choices=Language.choices, required=False, default=Language.CHINESE)
    format = serializers.ChoiceField(
        choices=CaseFileMade.Form.choices, required=False, default=CaseFileMade.Form.ZIP
    )


class CaseFile(APIView):
    throttle_classes = [PerUser, PerAddress, CaseFiles]
    content_negotiation_class = FileNotText

    @extend_schema(
        operation_id="download_case_file",
        summary="The file of a case, for arbitration, a channel, 12315, the police or a court",
        description="A ZIP with the document, the data, the evidence and the hashes of all of them, or the document "
        "alone. Numbers of cards and phones are masked. Each making is put on record.",
        parameters=[
            OpenApiParameter("purpose", str, enum=Purpose.values, default=Purpose.ARBITRATION),
            OpenApiParameter("language", str, enum=Language.values, default=Language.CHINESE),
            OpenApiParameter("format", str, enum=CaseFileMade.Form.values, default=CaseFileMade.Form.ZIP),
        ],
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            **problems(400, *READ, NotFound, *CASE_FILE_REFUSED),
        },
    )
    def get(self, request: Request, number: str) -> FileResponse:
        query = CaseFileQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        made = make_as_buyer(
            number=number,
            buyer_id=buyer_id(request),
            purpose=asked["purpose"],
            language=asked["language"],
            form=asked["format"],
            now=timezone.now(),
        )
        response = FileResponse(
            made.file, as_attachment=True, filename=made.name, content_type=made.media_type
        )
        response["Cache-Control"] = "private, no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response
