"""Charts of cases: how many, decided by whom, how fast, on time, and why they were filed."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _

from refunds.figures import reads
from refunds.figures.periods import Asked
from refunds.machine import Clock
from refunds.models.figures import Step
from refunds.reasons import reason_label

from .charts import Chart, Drawing, Series, change, in_words, longer, percent, points, share, span


def volume(asked: Asked) -> Chart:
    now, before = reads.volume(asked)
    filed, closed = sum(day.filed for day in now), sum(day.closed for day in now)
    reopened = sum(day.reopened for day in now)
    words = {
        "filed": in_words(filed),
        "closed": in_words(closed),
        "change": change(filed, sum(d.filed for d in before)),
    }
    return Chart(
        "volume",
        _("Requests filed and closed"),
        _("%(filed)s filed, %(change)s; %(closed)s closed.") % words,
        [_("Day"), _("Cases filed"), _("Cases closed"), _("Opened again")],
        [(day.day.isoformat(), day.filed, day.closed, day.reopened) for day in now],
        Drawing(
            "lines",
            [f"{day.day:%m-%d}" for day in now],
            [
                Series(_("Cases filed"), [day.filed for day in now]),
                Series(_("Cases closed"), [day.closed for day in now]),
            ],
        )
        if filed or closed or reopened
        else None,
        _("No request was filed or closed in these days. Choose more days, or fewer filters."),
        _("A case counts on the day it ends, and again where it is opened anew and ends a second time."),
    )


def automatic(asked: Asked) -> Chart:
    now, before = reads.automatic(asked)
    part, was = reads.together(now.values()), reads.together(before.values())
    words = {
        "share": percent(part.percent),
        "change": points(part.percent, was.percent),
        "cases": in_words(part.decided),
    }
    return Chart(
        "automatic",
        _("Approved by the rules alone"),
        _("Auto-approved %(share)s of %(cases)s first decisions, %(change)s.") % words,
        [_("Day"), _("Cases decided"), _("Approved by the rules"), _("In percent")],
        [(day.isoformat(), each.decided, each.automatic, _number(each.percent)) for day, each in now.items()],
        Drawing(
            "lines",
            [f"{day:%m-%d}" for day in now],
            [Series(_("Approved by the rules, in percent"), [each.percent for each in now.values()])],
            "percent",
        )
        if part.decided
        else None,
        _("Nothing was decided in these days."),
        _("Of cases decided for the first time that day, those the rules approved with nobody asked."),
    )


def times(asked: Asked) -> Chart:
    found = reads.times(asked)
    all_of_it, steps = found.pop(""), [(Step(step), both) for step, both in found.items() if both.now.cases]
    now, before = all_of_it
    reading = ""
    if now.median and now.ninth:
        reading = _("Half of the cases were decided within %(median)s (%(change)s), nine of ten within %(ninth)s.") % {
            "median": span(now.median), "ninth": span(now.ninth), "change": longer(now.median, before.median),
        }  # fmt: skip
    return Chart(
        "times",
        _("Time from filing to decision"),
        reading,
        [
            _("Decided by"),
            _("Cases"),
            _("Half within"),
            _("Nine of ten within"),
            _("Half within, period before"),
        ],
        [(str(step.label), n.cases, n.median, n.ninth, b.median) for step, (n, b) in steps],
        Drawing(
            "bars",
            [str(step.label) for step, _both in steps],
            [
                _times(_("Half within"), [both.now.median for _step, both in steps]),
                _times(_("Nine of ten within"), [both.now.ninth for _step, both in steps]),
            ],
            "time",
        )
        if steps
        else None,
        _("Nothing was decided in these days."),
        _("First decisions; money back counts from filing to its arrival. Times are right to within 9 %."),
    )


def _times(label: str, times: list[timedelta | None]) -> Series:
    return Series(label, [t.total_seconds() if t else None for t in times], [in_words(t) for t in times])


class _Kept(NamedTuple):
    label: str
    started: int
    met: int
    missed: int
    running: int
    share: float | None
    before: float | None


def clocks(asked: Asked, now: datetime) -> Chart:
    found = reads.clocks(asked, now)
    rows = [
        _Kept(str(Clock(kind).label), *each[2:], each.share_met, was.share_met)
        for kind, (each, was) in found.items()
        if each.started
    ]
    met, missed = (sum(getattr(both.now, name) for both in found.values()) for name in ("met", "missed"))
    was = [sum(getattr(both.before, name) for both in found.values()) for name in ("met", "missed")]
    kept, earlier = share(met, met + missed), share(was[0], sum(was))
    decided = [row for row in rows if row.share is not None]
    return Chart(
        "clocks",
        _("Deadlines kept"),
        _("%(share)s of deadlines were kept, %(change)s.") % {"share": percent(kept), "change": points(kept, earlier)},
        [_("Clock"), _("Started"), _("In time"), _("Missed"), _("Running"), _("In time, in percent"), _("Period before, in percent")],
        [(*row[:5], _number(row.share), _number(row.before)) for row in rows],
        Drawing(
            "bars",
            [row.label for row in decided],
            [
                Series(_("In time, in percent"), [row.share for row in decided], [percent(row.share) for row in decided]),
                Series(_("Period before"), [row.before for row in decided], [percent(row.before) for row in decided]),
            ],
            "percent",
        )
        if decided
        else None,
        _("No clock that started in these days has been met or missed yet."),
        _("A clock counts on the day it started. One that runs past its time is missed already."),
    )  # fmt: skip


def reasons(asked: Asked) -> Chart:
    found = reads.reasons(asked)
    total = sum(both.now for both in found.values())
    first = next(iter(found.items()), None)
    reading = ""
    if first and total:
        code, both = first
        words = {
            "reason": reason_label(code),
            "share": percent(share(both.now, total)),
            "change": change(both.now, both.before),
        }
        reading = _("%(reason)s is the most frequent: %(share)s; %(change)s.") % words
    return Chart(
        "reasons",
        _("Reasons of requests"),
        reading,
        [_("Reason"), _("Cases filed"), _("In percent"), _("Period before")],
        [
            (str(reason_label(code)), both.now, _number(share(both.now, total)), both.before)
            for code, both in found.items()
        ],
        Drawing(
            "bars",
            [str(reason_label(code)) for code in found],
            [
                _counts(_("Cases filed"), [b.now for b in found.values()]),
                _counts(_("Period before"), [b.before for b in found.values()]),
            ],
        )
        if total
        else None,
        _("No request was filed in these days."),
    )


def _counts(label: str, counts: list[int]) -> Series:
    return Series(label, counts, [in_words(count) for count in counts])


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"
