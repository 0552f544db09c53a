"""Money and time as people read them, for every screen: the desk and the sellers' portal."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from ..language import is_english
from ..money import EXPONENTS, major

register = template.Library()

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@register.filter
def money(amount: int | None, currency: str) -> str:
    """Minor units as a price: 4900 CNY is ¥49.00 in Chinese, CNY 49.00 in English; "–" for none."""
    if amount is None:
        return "–"
    shown = f"{major(amount, currency):,.{EXPONENTS[currency]}f}"
    english = is_english()
    return f"¥{shown}" if currency == "CNY" and not english else f"{currency} {shown}"


@register.filter
def countdown(due_at: datetime | None) -> str:
    """How long is left until a deadline, or how long it has passed; "" where no clock runs."""
    if due_at is None:
        return ""
    left = due_at - timezone.now()
    return overdue_by(-left) if left < timedelta(0) else time_left(left)


@register.filter
def is_overdue(due_at: datetime | None) -> bool:
    return due_at is not None and due_at < timezone.now()


def time_left(left: timedelta) -> str:
    if left >= 2 * DAY:
        return ngettext("%(n)d day left", "%(n)d days left", left.days) % {"n": left.days}
    if left >= HOUR:
        n = int(left / HOUR)
        return ngettext("%(n)d hour left", "%(n)d hours left", n) % {"n": n}
    n = int(left.total_seconds() // 60)
    if n:
        return ngettext("%(n)d minute left", "%(n)d minutes left", n) % {"n": n}
    return gettext("less than a minute left")


def overdue_by(past: timedelta) -> str:
    if past >= 2 * DAY:
        return ngettext("%(n)d day overdue", "%(n)d days overdue", past.days) % {"n": past.days}
    if past >= HOUR:
        n = int(past / HOUR)
        return ngettext("%(n)d hour overdue", "%(n)d hours overdue", n) % {"n": n}
    n = int(past.total_seconds() // 60)
    if n:
        return ngettext("%(n)d minute overdue", "%(n)d minutes overdue", n) % {"n": n}
    return gettext("just overdue")
