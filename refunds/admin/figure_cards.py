"""Four figures of the last week on the first page, with a bar for each day of it and of the week before."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace.kernel.money import Money
from refunds.figures import reads
from refunds.figures.money import paid_by_day
from refunds.figures.periods import Asked, beijing_day, latest

from .charts import change, in_words, longer, percent, points

DAYS = 7
HIGH = 28  # of the tallest bar


class Bar(NamedTuple):
    """Of an SVG in which a day is ten wide."""

    x: int
    y: float
    height: float


class Card(NamedTuple):
    title: str
    number: str
    change: str
    bars: list[Bar]
    url: str


def cards(now: datetime) -> list[Card]:
    """Five queries over the rows by day."""
    asked = Asked(latest(DAYS, beijing_day(now)))
    return [_filed(asked), _automatic(asked), _decided(asked), *_paid(asked)]


def _filed(asked: Asked) -> Card:
    now, before = ([day.filed for day in days] for days in reads.volume(asked))
    words = change(sum(now), sum(before))
    return _card("volume", _("Requests filed in 7 days"), in_words(sum(now)), words, [*before, *now])


def _automatic(asked: Asked) -> Card:
    now, before = (list(days.values()) for days in reads.automatic(asked))
    share, was = reads.together(now).percent, reads.together(before).percent
    bars = [day.percent for day in (*before, *now)]
    return _card("automatic", _("Approved by the rules alone"), percent(share), points(share, was), bars)


def _decided(asked: Asked) -> Card:
    now, before = reads.times(asked)[""]
    bars = [time.total_seconds() if time else None for time in reads.medians(asked).values()]
    words = longer(now.median, before.median)
    return _card("times", _("Half of the cases decided within"), in_words(now.median), words, bars)


def _paid(asked: Asked) -> list[Card]:
    """Of the currency most refunds are in; the others stand on the page of figures."""
    for currency, days in paid_by_day(asked).items():
        before, now = (sum(list(days.values())[part]) for part in (slice(DAYS), slice(DAYS, None)))
        title, number = _("Paid back in 7 days"), str(Money(now, currency))
        return [_card(f"money-{currency.lower()}", title, number, change(now, before), days.values())]
    return [_card("money", _("Paid back in 7 days"), "–", _("no money went back"), [])]


def _card(key: str, title: str, number: str, change: str, values: Iterable[float | None]) -> Card:
    heights = [max(value or 0, 0) for value in values]
    tallest = max(heights, default=0) or 1
    bars = [
        Bar(10 * n + 1, round(HIGH - height / tallest * HIGH, 1), round(height / tallest * HIGH, 1))
        for n, height in enumerate(heights)
    ]
    return Card(
        title, number, change, bars, f"{reverse('admin:refunds_casefigure_changelist')}?range=7#{key}-title"
    )
