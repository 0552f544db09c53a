"""The buyer's appeal: translate, call one operation, translate back."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.identity.tokens import buyer_id
from marketplace.kernel.errors import NotFound
from marketplace.kernel.http import answer, idempotency_key
from marketplace.kernel.schema import IDEMPOTENCY_KEY, WRITE, problems

from ..operations.appeal import appeal_as_buyer
from . import examples
from . import serializers as shapes
from .views import changed


class FileAppeal(APIView):
    @extend_schema(
        operation_id="appeal_refund_request",
        summary="Appeal once against a rejection by a person, naming the clauses relied on",
        description="A supervisor decides it. A rejection by the rules goes to a person by request-person instead; a "
        "ruling in arbitration is final.",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.AppealSerializer,
        responses={
            201: shapes.RefundRequestShape,
            **problems(*WRITE, NotFound, *examples.APPEAL_REFUSED),
        },
        examples=[*examples.APPEAL, examples.APPEALED],
    )
    def post(self, request: Request, number: str) -> Response:
        key = idempotency_key(request, "appeal")
        body = shapes.AppealSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        outcome = appeal_as_buyer(
            buyer_id=buyer_id(request),
            number=number,
            clauses=data["clauses"],
            text=data["text"],
            key=key,
            present=changed,
            now=timezone.now(),
        )
        return answer(outcome)
