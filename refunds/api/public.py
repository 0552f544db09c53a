"""What anybody may read, without a token (requirement J1): rules, evidence standards, sellers, figures."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kernel.errors import NotFound
from marketplace.kernel.http import tagged
from marketplace.kernel.schema import CONDITIONAL, UNCHANGED, problems
from marketplace.kernel.throttling import PerAddress

from .. import published
from ..policies import NoPolicy
from ..public_figures import figures
from ..seller_figures import public_page
from ..standards import standards
from . import public_examples as examples
from . import public_shapes as shapes

RULES_SECONDS = 60
FIGURES_SECONDS = 600


class PublicView(APIView):
    """Read by many and changing rarely: computed once for all, kept by caches on the way, and asked again by ETag."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes = [PerAddress]
    seconds = RULES_SECONDS

    def public(self, request: Request, name: str, make: Callable[[], Any]) -> Response:
        """`name` with the reader's language is the cache's key; what raises is not kept."""
        key = hashlib.sha256(f"{name}:{get_language()}".encode()).hexdigest()  # callers choose parts of names
        body = cache.get_or_set(f"public:{key}", make, self.seconds)
        return tagged(request, body, f"public, max-age={self.seconds}")


class Policies(PublicView):
    @extend_schema(
        operation_id="list_policies",
        summary="The rules in force, and those published ahead",
        auth=[],
        parameters=CONDITIONAL,
        responses={200: shapes.PoliciesShape, **UNCHANGED, **problems(429)},
        examples=[examples.POLICIES],
    )
    def get(self, request: Request) -> Response:
        def make() -> dict[str, Any]:
            return {"results": published.policies(timezone.now()), "next": None, "previous": None}

        return self.public(request, "policies", make)


class PolicyDetail(PublicView):
    @extend_schema(
        operation_id="read_policy",
        summary="The rules for one type of goods, as data and in plain language",
        auth=[],
        parameters=CONDITIONAL,
        responses={200: shapes.PolicyShape, **UNCHANGED, **problems(NotFound, NoPolicy, 429)},
        examples=[examples.POLICY],
    )
    def get(self, request: Request, goods_type: str) -> Response:
        return self.public(
            request, f"policy:{goods_type}", lambda: published.policy(goods_type, timezone.now())
        )


class SellerPage(PublicView):
    seconds = FIGURES_SECONDS

    @extend_schema(
        operation_id="read_seller",
        summary="A seller: who they are, and how they treat refunds",
        description="Figures of the last 90 days. One that would rest on too few orders or answers is null.",
        auth=[],
        parameters=CONDITIONAL,
        responses={200: shapes.SellerShape, **UNCHANGED, **problems(NotFound, 429)},
        examples=[examples.SELLER],
    )
    def get(self, request: Request, code: str) -> Response:
        return self.public(request, f"seller:{code}", lambda: public_page(code, timezone.now()))


class Figures(PublicView):
    seconds = FIGURES_SECONDS

    @extend_schema(
        operation_id="read_figures",
        summary="How long refunds take and how many are granted, by type of goods",
        description="Of the last 90 whole days in Beijing. What would rest on fewer than 20 cases is null.",
        auth=[],
        parameters=CONDITIONAL,
        responses={200: shapes.GoodsFiguresShape, **UNCHANGED, **problems(429)},
        examples=[examples.FIGURES],
    )
    def get(self, request: Request) -> Response:
        return self.public(request, "figures", lambda: figures(timezone.now()))


class EvidenceStandards(PublicView):
    @extend_schema(
        operation_id="evidence_standards",
        summary="What counts as evidence, and what each reason needs",
        auth=[],
        parameters=CONDITIONAL,
        responses={200: shapes.StandardsShape, **UNCHANGED, **problems(429)},
        examples=[examples.STANDARDS],
    )
    def get(self, request: Request) -> Response:
        return self.public(request, "evidence-standards", standards)
