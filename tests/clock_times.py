"""Times of the tests about clocks: in Shanghai, counted from a Monday morning in working time."""

from datetime import datetime

from marketplace.kernel.businesstime import SHANGHAI
from refunds.models import Deadline, RefundRequest
from refunds.policy import DEFAULTS, Clocks

TERMS = Clocks.model_validate(DEFAULTS["card_code"]["clocks"])


def at(text: str) -> datetime:
    """Shanghai time."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


MONDAY = at("2026-11-16 10:00")


def running(request: RefundRequest) -> dict[str, datetime]:
    rows = Deadline.objects.filter(request=request, closed_at__isnull=True)
    return dict(rows.values_list("kind", "due_at"))
