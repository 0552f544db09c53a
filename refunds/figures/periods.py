"""Ranges of Beijing days, what they are compared with, and which cases are asked about."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.businesstime import SHANGHAI

DAY = timedelta(days=1)


class Period(NamedTuple):
    """Both days are included."""

    since: date
    until: date

    @property
    def days(self) -> list[date]:
        return [self.since + DAY * n for n in range((self.until - self.since).days + 1)]

    @property
    def before(self) -> "Period":
        """As many days, right before."""
        return Period(self.since - DAY * len(self.days), self.since - DAY)

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """The first of its instants, and the first after it."""
        return midnight(self.since), midnight(self.until + DAY)


def in_a_row(days: Iterable[date]) -> list[Period]:
    """Days in order as few periods: each is a statement whose cost the database knows beforehand."""
    periods: list[Period] = []
    for day in days:
        if periods and day == periods[-1].until + DAY:
            periods[-1] = periods[-1]._replace(until=day)
        else:
            periods.append(Period(day, day))
    return periods


class Asked(NamedTuple):
    """What figures are wanted of; an empty `goods_type` or `channel` is all of them."""

    period: Period
    goods_type: str = ""
    channel: str = ""

    @property
    def now(self) -> Q:
        return Q(day__gte=self.period.since)

    @property
    def before(self) -> Q:
        return Q(day__lt=self.period.since)

    @property
    def rows(self) -> Q:
        """Of a table of figures, those of the period and of the one before it."""
        picked = Q(day__gte=self.period.before.since, day__lte=self.period.until)
        if self.goods_type:
            picked &= Q(goods_type=self.goods_type)
        return picked & Q(channel=self.channel) if self.channel else picked

    def cases(self, case: str = "") -> Q:
        """Of requests, or of what has one under the name `case`, those asked about."""
        picked = Q()
        if self.goods_type:
            picked &= Q(**{f"{case}order__goods_type": self.goods_type})
        return picked & Q(**{f"{case}channel": self.channel}) if self.channel else picked


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


def beijing_day(now: datetime) -> date:
    return now.astimezone(SHANGHAI).date()


def latest(days: int, today: date) -> Period:
    return Period(today - DAY * (days - 1), today)


def _this_month(today: date) -> Period:
    return Period(today.replace(day=1), today)


def _last_month(today: date) -> Period:
    until = today.replace(day=1) - DAY
    return Period(until.replace(day=1), until)


class Preset(NamedTuple):
    label: str | Promise
    period: Callable[[date], Period]


USUAL = "30"
PRESETS = {
    "today": Preset(_("Today"), lambda today: latest(1, today)),
    "7": Preset(_("7 days"), lambda today: latest(7, today)),
    "30": Preset(_("30 days"), lambda today: latest(30, today)),
    "90": Preset(_("90 days"), lambda today: latest(90, today)),
    "month": Preset(_("This month"), _this_month),
    "last_month": Preset(_("Last month"), _last_month),
}
