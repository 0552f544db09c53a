"""What the portal's tests share: addresses, what must not change, and what a page says."""

import html
import re
from typing import Any, Protocol

from marketplace.payments.models import Claim
from refunds.models import RefundRequest

BIG = 300_000  # fen, above the two-person limit of 2000 CNY


class Asked(Protocol):
    def __call__(self, **fields: Any) -> RefundRequest: ...


def url(request: RefundRequest | str, *rest: str) -> str:
    number = request if isinstance(request, str) else request.number
    return "/portal/" + "/".join(["cases", number, *rest]) + "/"


def snapshot(request: RefundRequest) -> tuple[Any, ...]:
    """What a refused post must leave as it was."""
    row = RefundRequest.objects.get(pk=request.pk)
    return (
        row.state,
        row.sequence,
        row.due_at,
        row.approved_amount,
        row.transitions.count(),
        row.proposals.count(),
        row.messages.count(),
        Claim.objects.count(),
    )


def words(response: Any) -> str:
    """The page's text, without markup and what differs by request."""
    body = response.content.decode()
    body = re.sub(r"<head>.*?</head>|<[^>]+>", " ", body, flags=re.DOTALL)
    return " ".join(html.unescape(body).split())
