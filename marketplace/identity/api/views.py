"""Sign-in for buyers who have a password here; shops get tokens for theirs through ingestion."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kernel.http import client_address
from marketplace.kernel.schema import BODY, problems
from marketplace.kernel.serializers import StrictSerializer, TextField, instant
from marketplace.kernel.throttling import Login as LoginThrottle

from ..operations.sign_in import WrongCredentials, sign_in


class LoginSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    password = TextField(max_length=128, trim_whitespace=False)


class TokenShape(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class Login(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes = [LoginThrottle]

    @extend_schema(
        operation_id="sign_in",
        summary="Sign in with email and password",
        auth=[],
        request=LoginSerializer,
        responses={200: TokenShape, **problems(*BODY, WrongCredentials, 429)},
        examples=[
            OpenApiExample(
                "Sign in",
                {"email": "buyer@example.com", "password": "correct horse battery"},
                request_only=True,
            ),
            OpenApiExample(
                "Signed in",
                {"token": "eyJiIjo0Mn0:1vMk…", "expires_at": "2026-11-20T21:30:00+08:00"},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        token = sign_in(
            **body.validated_data,
            now=timezone.now(),
            ip=client_address(request),
            user_agent=request.headers.get("User-Agent", ""),
        )
        return Response({"token": token.token, "expires_at": instant(token.expires_at)})
