"""Figures of those who decide cases (requirement K4): every definition, and the reading, in one place.

They are there to see where somebody needs help, or a rule is unclear. Small numbers are said as such: a share comes
with what it is a share of, and that of trials with its interval.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from math import sqrt
from statistics import median
from typing import NamedTuple

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User

from .casefile.views import person
from .models import TrialAnswer
from .trials import Agrees, Leaning, Verdict, verdict

FEW = 20  # of fewer a share says little
Z = 1.96  # 95 %
LISTED = 500  # decisions of one person


class Share(NamedTuple):
    """`part` of `whole`."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        return 100 * self.part / self.whole if self.whole else None

    @property
    def is_few(self) -> bool:
        return 0 < self.whole < FEW


class Figures(NamedTuple):
    """Of one person in some days. What each is stands in COLUMNS."""

    user_id: int
    name: str
    decided: int = 0
    median_minutes: float | None = None
    p90_minutes: float | None = None
    approved: int = 0
    contested: int = 0
    overturned: int = 0
    deviated: int = 0
    verdicts: tuple[Verdict, ...] = ()

    def trials(self, *agrees: Agrees) -> int:
        return sum(each.agrees in agrees for each in self.verdicts)

    @property
    def right(self) -> Share:
        return Share(self.trials(Agrees.RIGHT), self.trials(Agrees.RIGHT, Agrees.PARTLY, Agrees.WRONG))

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(*self.right)

    def leaning(self, way: Leaning) -> Share:
        return Share(sum(each.leaning == way for each in self.verdicts), self.right.whole)


class Column(NamedTuple):
    """One figure: its words, what it is, and its value: a number, or a share."""

    key: str
    label: str | Promise
    means: str | Promise
    of: Callable[[Figures], float | Share | None]


COLUMNS: tuple[Column, ...] = (
    Column(
        "decided", _("Decided"),
        _("Decisions made by this person: approved, in part or rejected; in two-person cases those they confirmed."),
        lambda each: each.decided,
    ),
    Column(
        "median", _("Minutes in hand, median"),
        _("From taking the case in hand to the decision; of one decided without taking it, from the start of the review."),
        lambda each: each.median_minutes,
    ),
    Column(
        "p90", _("Minutes in hand, 90 %"), _("Nine of ten were decided within so many minutes."),
        lambda each: each.p90_minutes,
    ),
    Column(
        "approved", _("Approved"), _("Share of the decisions in which something went back."),
        lambda each: Share(each.approved, each.decided),
    ),
    Column(
        "overturned", _("Overturned"),
        _("Of the decisions that were contested, and decided on since by an appeal or in arbitration: those that fell."),
        lambda each: Share(each.overturned, each.contested),
    ),
    Column(
        "deviated", _("Departs from precedents"),
        _("Share of the decisions for which a reason was written why they depart from the nearest precedents."),
        lambda each: Share(each.deviated, each.decided),
    ),
    Column(
        "right", _("Trials right"),
        _("Of the known-answer cases decided: the same side, an amount within the range, and the same fault. With the range in which the true share lies, by 95 % (Wilson)."),
        lambda each: each.right,
    ),
    Column(
        "partly", _("Trials partly right"), _("The same side, but another amount or another fault."),
        lambda each: Share(each.trials(Agrees.PARTLY), each.right.whole),
    ),
    Column(
        "wrong", _("Trials wrong"), _("Decided for the other side."),
        lambda each: Share(each.trials(Agrees.WRONG), each.right.whole),
    ),
    Column(
        "generous", _("Too generous"), _("Of the known-answer cases decided: more went back than should have."),
        lambda each: each.leaning(Leaning.GENEROUS),
    ),
    Column(
        "strict", _("Too strict"), _("Less went back than should have."),
        lambda each: each.leaning(Leaning.STRICT),
    ),
    Column(
        "passed", _("Trials not decided"),
        _("Sent on, or asked about, instead of decided; they count in none of the shares."),
        lambda each: each.trials(Agrees.PASSED),
    ),
)  # fmt: skip


def wilson(part: int, whole: int) -> tuple[float, float] | None:
    """The 95 % interval of a share, in percent: 3 of 3 is anything from 44 %."""
    if not whole:
        return None
    share, spread = part / whole, Z * Z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def team(figures: Iterable[Figures], column: Column) -> float | None:
    """The median over all who have this figure; of a share, in percent."""
    values = [_number(column.of(each)) for each in figures]
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _number(value: float | Share | None) -> float | None:
    return value.percent if isinstance(value, Share) else value


# A rejection is contested when a supervisor took it up again or dismissed the appeal; an approval by its seller's
# appeal. Only what is concluded counts. Somebody who decides without having claimed has had the case for no time.
_DECISIONS = """
SELECT j.by_id, j.request_id, r.number, j.at, j.outcome, j.amount, r.currency, j.deviation <> '' AS deviated,
    extract(epoch FROM j.at - coalesce(h.held_at, b.at))::float / 60 AS minutes,
    CASE WHEN j.outcome = 'reject'
        THEN a.outcome = 'dismissed' OR later.event IN ('hear_appeal', 'escalate') AND again.outcome IS NOT NULL
        ELSE a.outcome IN ('upheld', 'overturned') END AS contested,
    CASE WHEN j.outcome = 'reject'
        THEN later.event IN ('hear_appeal', 'escalate') AND again.outcome <> 'reject'
        ELSE a.outcome = 'overturned' END AS overturned
FROM refunds_judgement j
JOIN refunds_refundrequest r ON r.id = j.request_id
LEFT JOIN LATERAL (
    SELECT held_at FROM refunds_hold x WHERE x.request_id = j.request_id AND x.user_id = j.by_id
      AND x.held_at < j.at AND x.ended_at >= j.at ORDER BY x.held_at DESC LIMIT 1) h ON true
LEFT JOIN LATERAL (
    SELECT at FROM refunds_transition x WHERE x.request_id = j.request_id AND x.sequence < j.sequence
      AND x.to_state IN ('manual_review', 'arbitration') AND x.from_state <> x.to_state
    ORDER BY x.sequence DESC LIMIT 1) b ON true
LEFT JOIN refunds_transition later ON later.request_id = j.request_id AND later.sequence = j.sequence + 1
LEFT JOIN LATERAL (
    SELECT outcome FROM refunds_judgement x WHERE x.request_id = j.request_id AND x.sequence > j.sequence
    ORDER BY x.sequence LIMIT 1) again ON true
LEFT JOIN refunds_appeal a ON a.request_id = j.request_id AND a.against_sequence = j.sequence
WHERE j.at >= %(since)s AND j.at < %(until)s AND (%(user)s::bigint IS NULL OR j.by_id = %(user)s)
"""
_FIGURES = f"""
SELECT d.by_id, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY d.minutes),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY d.minutes), count(*) FILTER (WHERE d.outcome <> 'reject'),
    count(*) FILTER (WHERE d.contested), count(*) FILTER (WHERE d.overturned), count(*) FILTER (WHERE d.deviated)
FROM ({_DECISIONS}) d GROUP BY d.by_id ORDER BY d.by_id
"""
_LIST = f"SELECT * FROM ({_DECISIONS}) d ORDER BY d.at DESC, d.request_id DESC LIMIT {LISTED}"


def figures(since: datetime, until: datetime) -> list[Figures]:
    """Of all who decided a case or a trial from `since` to before `until`, by name. Three queries, whoever there is."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"since": since, "until": until, "user": None})
        rows = cursor.fetchall()
    tried: dict[int, list[Verdict]] = {}
    for answer in trial_answers(since, until):
        tried.setdefault(answer.trial.user_id, []).append(verdict(answer.trial.known, answer))
    names = _names({row[0] for row in rows} | tried.keys())
    decided = {row[0]: row[1:] for row in rows}
    found = [
        Figures(user_id, names[user_id], *decided.get(user_id, ()))._replace(
            verdicts=tuple(tried.get(user_id, ()))
        )
        for user_id in names
    ]
    return sorted(found, key=lambda each: (each.name, each.user_id))


class Decided(NamedTuple):
    """One decision, for the list behind the figures."""

    user_id: int
    request_id: int
    number: str
    at: datetime
    outcome: str
    amount: int
    currency: str
    deviated: bool
    minutes: float | None
    contested: bool | None
    overturned: bool | None


def decisions(user_id: int, since: datetime, until: datetime) -> list[Decided]:
    """Of one person, latest first, LISTED at most."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST, {"since": since, "until": until, "user": user_id})
        return [Decided(*row) for row in cursor.fetchall()]


def trial_answers(since: datetime, until: datetime, user_id: int | None = None) -> Sequence[TrialAnswer]:
    """Those that count: where a known answer was withdrawn, none of its trials does."""
    rows = TrialAnswer.objects.filter(
        at__gte=since, at__lt=until, trial__known__withdrawn_at__isnull=True
    ).select_related("trial__known__request")
    return list((rows.filter(trial__user=user_id) if user_id else rows).order_by("-at", "-id"))


def _names(ids: set[int]) -> dict[int, str]:
    return {user.pk: person(user) for user in User.objects.filter(pk__in=ids)}
