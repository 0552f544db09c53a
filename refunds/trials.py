"""Known-answer cases as trials (requirement K4): the case of a trial, and how its answer stands to the known one.

What a trial shows is the real case as desk_queries reads it, turned back to just before its decision
(turned_back.py), under other numbers and in the present (stand_ins.py).
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, cast

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound

from . import desk_queries
from .desk_queries import Case
from .extensions import why
from .faults import Outcome
from .models import KnownAnswer, Trial, TrialAnswer
from .operations.hold import idle_after
from .review_queries import Reviewing
from .stand_ins import StandIns
from .turned_back import known_by_then, moment_of, without_what_came_later

OUT_OF_REACH = 10**9  # added to the key of a row: a link to it leads nowhere


class Agrees(StrEnum):
    """RIGHT: the same side, the amount within the range, the same fault. PARTLY: the same side, but another amount or
    fault. PASSED: not decided, and counted as neither.
    """

    RIGHT = "right"
    PARTLY = "partly"
    WRONG = "wrong"
    PASSED = "passed"


class Leaning(StrEnum):
    GENEROUS = "generous"  # more went back than should have
    STRICT = "strict"  # less
    NONE = ""


class Verdict(NamedTuple):
    agrees: Agrees
    leaning: Leaning


def verdict(known: KnownAnswer, answer: TrialAnswer) -> Verdict:
    """By the side first, then by amount and fault."""
    if answer.outcome == TrialAnswer.PASSED:
        return Verdict(Agrees.PASSED, Leaning.NONE)
    leaning = Leaning.NONE
    if answer.amount > known.high:
        leaning = Leaning.GENEROUS
    elif answer.amount < known.low:
        leaning = Leaning.STRICT
    if (answer.outcome == Outcome.REJECT) != (known.outcome == Outcome.REJECT):
        return Verdict(Agrees.WRONG, leaning)
    if leaning or answer.fault != known.fault:
        return Verdict(Agrees.PARTLY, leaning)
    return Verdict(Agrees.RIGHT, leaning)


def trial_of(number: str, user: User) -> Trial | None:
    """This person's trial of that number: to everybody else there is none."""
    rows = Trial.objects.select_related("known__request", "answer", "user").filter(number=number, user=user)
    return rows.first()


def case(number: str, user: User, now: datetime) -> Case:
    """The case of this number as desk_queries reads it, or this person's trial of it. Raises NotFound."""
    try:
        return desk_queries.case(number, user)
    except NotFound:
        trial = trial_of(number, user)
        if trial is None:
            raise
        return case_of(trial, now)


def case_of(trial: Trial, now: datetime) -> Case:
    """As it stood just before a reviewer decided it, told as of the trial's start, and in the reviewer's hands.

    Its request has the trial's number, by which no operation finds the real one. What review_queries reads of it
    later is made to fit.
    """
    moment = moment_of(trial)
    case = without_what_came_later(desk_queries.case(trial.known.request.number, trial.user), moment)
    request, stand_ins = case.request, StandIns(key=trial.number, by=moment.by)
    for number in numbers_of(case):
        stand_ins.hide(number)
    stand_ins.hide(request.number, trial.number)

    def fit(known: Reviewing) -> Reviewing:
        known = known_by_then(known, moment)
        for check in known.checks:
            stand_ins.hide(check.number)
            stand_ins.hide(check.reference)
        dated = {"judgements": known.judgements, "checks": known.checks, "flags": known.flags}
        return known._replace(**stand_ins.over(dated))  # precedents are other cases, and real ones

    case = cast(Case, stand_ins.over(case))
    for row in (request.order, *case.transfers, *case.disputes):
        row.pk += OUT_OF_REACH
    put_off = [each._replace(why=why(each.extension)) for each in case.put_off]
    request.fit = fit
    request.holder, request.held_at, request.held_until = trial.user, trial.started_at, now + idle_after()
    return case._replace(put_off=put_off)


def numbers_of(case: Case) -> Iterator[str]:
    """Whatever could be searched for, or clicked, and would lead to the real case."""
    yield from (case.request.ticket, case.request.order.no, case.request.order.external_no)
    yield from (row.channel_no for row in case.captures)
    for transfer in case.transfers:
        yield from (transfer.number, transfer.channel_refund_no)
    for dispute in case.disputes:
        yield from (dispute.number, dispute.channel_dispute_no)
    yield from (row.number for row in case.others)
