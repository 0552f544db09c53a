"""Where channels send their notifications: POST /channels/<channel>/notify/.

Not part of the API document: each channel says itself what it sends, and nobody else has a use for the address.
The channel's signature over the raw body stands for authentication.
"""

import logging
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.throttling import PerAddress
from marketplace.payments.gateways.base import BadNotification, NoGateway
from marketplace.payments.operations.notify import take

log = logging.getLogger(__name__)

STATUS = {"signature": 401, "not_ours": 401, "stale": 400, "malformed": 400}  # of BadNotification.REASONS


class NotAccepted(Refusal):
    title = _("The notification was not accepted.")

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.code, self.status = f"notification_{reason}", STATUS[reason]


class WhateverIsAccepted(BaseContentNegotiation):
    """A channel hears what it wants to hear, in its own words: news is not refused over an Accept header."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


@extend_schema(exclude=True)
class NotifyView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes = [PerAddress]
    content_negotiation_class = WhateverIsAccepted

    def post(self, request: Request, channel: str) -> HttpResponse:
        try:
            said = take(
                channel=channel, headers=request.headers, body=request._request.body, now=timezone.now()
            )
        except NoGateway as error:
            raise NotFound() from error
        except BadNotification as error:
            # The answer gives no cause away; a wrong key of ours shows here, at LOG_LEVEL=INFO.
            log.info("notification of %s refused: %s", channel, error)
            raise NotAccepted(error.reason) from error
        return HttpResponse(said.body, status=said.status, content_type=said.content_type)
