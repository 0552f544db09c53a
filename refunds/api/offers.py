"""The buyer's answers to a seller's offer, and the buyer's own sealed one."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.identity.tokens import buyer_id
from marketplace.kernel.errors import NotFound
from marketplace.kernel.http import answer, idempotency_key
from marketplace.kernel.money import Money
from marketplace.kernel.schema import IDEMPOTENCY_KEY, WRITE, problems

from ..operations.respond_offer import respond
from ..operations.seal_offer import seal_as_buyer
from . import examples
from . import serializers as shapes
from .views import changed


class RespondOffer(APIView):
    @extend_schema(
        operation_id="respond_to_offer",
        summary="Accept or decline what the seller offers; accepting new goods or a promise confirms it was kept",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.RespondOfferSerializer,
        responses={
            200: shapes.RefundRequestShape,
            **problems(*WRITE, NotFound, *examples.OFFER_REFUSED),
        },
        examples=[*examples.RESPOND, examples.ACCEPTED],
    )
    def post(self, request: Request, number: str) -> Response:
        key = idempotency_key(request, "respond-offer")
        body = shapes.RespondOfferSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = respond(
            buyer_id=buyer_id(request),
            number=number,
            accept=body.validated_data["accept"],
            note=body.validated_data["note"],
            key=key,
            present=changed,
            now=timezone.now(),
        )
        return answer(outcome)


class SealedOffer(APIView):
    @extend_schema(
        operation_id="make_sealed_offer",
        summary="Say unseen by the seller the least you would settle for; where both meet, the middle is paid",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.SealedOfferSerializer,
        responses={
            201: shapes.RefundRequestShape,
            **problems(*WRITE, NotFound, *examples.SEALED_REFUSED),
        },
        examples=[*examples.SEALED, examples.SEALED_ALONE],
    )
    def post(self, request: Request, number: str) -> Response:
        key = idempotency_key(request, "sealed-offer")
        body = shapes.SealedOfferSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = seal_as_buyer(
            buyer_id=buyer_id(request),
            number=number,
            least=Money(**body.validated_data["amount"]),
            key=key,
            present=changed,
            now=timezone.now(),
        )
        return answer(outcome)
