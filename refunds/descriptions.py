"""What a description lacks beside what the order and the form's own fields give (requirement C3). No query."""

from collections.abc import Mapping
from typing import Any

from marketplace.kernel.language import is_english
from marketplace.orders.models import Order

from .models import RefundRequest
from .policy.description import missing, wanted

# Where the account stands when the buyer does not write it out.
ACCOUNT_FIELDS = ("account", "server", "phone", "user_id")


def unsaid(request: RefundRequest, units: int) -> list[dict[str, str]]:
    """Of a request over `units` of its order's units; nothing where a small unused purchase is just paid back (B8)."""
    if request.asks_nothing:
        return []
    return unsaid_of(request.order, request.reason, request.description, units, request.details)


def unsaid_of(
    order: Order, reason: str, description: str, units: int, details: Mapping[str, Any] | None = None
) -> list[dict[str, str]]:
    """[{code, text}] in the reader's language. All units of several leave open which of them are meant."""
    given = {**(order.target or {}), **(details or {})}
    known = {"goods"} if units < order.quantity or order.quantity == 1 else set()
    if any(given.get(name) for name in ACCOUNT_FIELDS):
        known.add("account_or_server")
    language = "en" if is_english() else "zh-hans"
    parts = missing(reason, order.goods_type, description, known=known)
    return [{"code": part, "text": wanted(part, language)} for part in parts]
