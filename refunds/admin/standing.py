"""How the seller of a case has stood up to now: rates where there is enough to speak of one, else the bare numbers."""

from datetime import datetime
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from refunds.seller_figures import PERIOD, counts


class Figure(NamedTuple):
    label: str | Promise
    percent: float | None  # None: too few to speak of a rate
    part: int
    whole: int


def standing_panel(seller_id: int, now: datetime) -> dict[str, Any]:
    """For desk/case/seller.html."""
    found = counts(seller_id, now)
    rows = (
        (_("Paid back"), found.refund_rate, found.paid_back, found.orders),
        (_("Disputed at the channel"), found.dispute_rate, found.disputed, found.orders),
        (_("Left unanswered"), found.silence_rate, found.silent, found.answers),
    )
    figures = [
        Figure(label, None if rate is None else 100 * rate, part, whole) for label, rate, part, whole in rows
    ]
    return {"seller_days": PERIOD.days, "seller_figures": figures, "seller_hours": found.median_hours}
