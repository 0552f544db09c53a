"""Figures by day: each against a small history counted by hand (K2)."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.payments.models import Transfer
from refunds.figures import reads
from refunds.figures.buckets import BOUNDS, ERROR, quantile
from refunds.figures.money import MoneyOut, money_out, paid_by_day
from refunds.figures.periods import PRESETS, Asked, Period
from refunds.figures.reads import Load, Looked, SellerRate, Shares
from refunds.kept import kept
from refunds.machine import State
from refunds.models import SalesFigure
from refunds.models.figures import Step
from refunds.operations import decide_appeal, review
from refunds.operations.answer import agree
from refunds.operations.hold import claim
from refunds.operations.pay import pay
from refunds.operations.roll_up import roll_up
from refunds.operations.say import say_as_staff
from tests.cases import bring, make_request
from tests.contested import buyer_appeals, refunded, rejected, seller_appeals
from tests.factories import days, hours, make_order
from tests.judged import approve, reject
from tests.people import Cast

from .test_roll_up import alone

__all__ = ["alone"]

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
WEEK = Period(date(2026, 3, 2), date(2026, 3, 8))
TUESDAY = date(2026, 3, 3)


def asked(**filters: Any) -> Asked:
    return Asked(WEEK, **filters)


# --- each figure, counted by hand ---


def test_a_request_counts_on_the_day_it_is_filed_and_on_the_day_it_ends(cast: Cast) -> None:
    first = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY - days(7))  # the period before
    reject(first, cast.reviewer, now=MONDAY + days(1))
    roll_up(MONDAY)
    now, before = reads.volume(asked())
    assert [(day.filed, day.closed) for day in now] == [(1, 0), (0, 1), *[(0, 0)] * 5]
    assert (sum(day.filed for day in before), before[0].day) == (1, date(2026, 2, 23))


def test_days_are_beijings(cast: Cast) -> None:
    midnight = datetime(2026, 3, 3, 0, 0, tzinfo=SHANGHAI)
    for at in (midnight - timedelta(microseconds=1), midnight):
        make_request(cast, state=State.MANUAL_REVIEW, now=at)
    roll_up(MONDAY)
    assert [day.filed for day in reads.volume(asked()).now][:3] == [1, 1, 0]


def test_what_is_opened_again_stays_closed_on_its_day(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    reject(request, cast.reviewer, now=MONDAY)
    buyer_appeals(request, now=MONDAY + days(1))
    review.hear_appeal(number=request.number, user=cast.supervisor, note="Look again.", now=MONDAY + days(2))
    roll_up(MONDAY)
    counted = [(day.closed, day.reopened) for day in reads.volume(asked()).now]
    assert counted[:3] == [(1, 0), (0, 0), (0, 1)]


def test_share_of_the_machine_is_of_first_decisions(cast: Cast) -> None:
    alone = make_request(cast, state=State.PRECHECKING, now=MONDAY)
    bring(alone, State.APPROVED, cast, now=MONDAY)
    judged = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    approve(judged, cast.reviewer, now=MONDAY + hours(1))
    make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)  # undecided
    roll_up(MONDAY)
    assert reads.automatic(asked()).now[MONDAY.date()] == Shares(2, 1)
    assert reads.together(reads.automatic(asked()).now.values()).percent == 50


def test_time_to_decision_is_by_who_decided_first_and_right_within_the_bound(cast: Cast) -> None:
    for after in (1, 2, 30):
        request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
        (approve if after == 1 else reject)(request, cast.reviewer, now=MONDAY + hours(after))
    seller = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
    agree(number=seller.number, user=cast.seller_user, now=MONDAY + hours(5))
    roll_up(MONDAY)
    found = reads.times(asked())
    by_reviewer, by_sides = found[Step.REVIEWER].now, found[Step.SIDES].now
    assert (by_reviewer.cases, by_reviewer.granted, by_sides.cases) == (3, 1, 1)
    for told, true in (
        (by_reviewer.median, 2),
        (by_reviewer.ninth, 30),
        (by_sides.median, 5),
        (found[""].now.median, 2),
    ):
        assert abs(told / hours(true) - 1) <= ERROR
    assert found[Step.MACHINE].now.median is None


def test_a_case_decided_again_keeps_its_first_time(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    reject(request, cast.reviewer, now=MONDAY + hours(1))
    buyer_appeals(request, now=MONDAY + hours(2))
    review.hear_appeal(number=request.number, user=cast.supervisor, note="Again.", now=MONDAY + hours(3))
    approve(request, cast.second_reviewer, now=MONDAY + hours(50))
    roll_up(MONDAY)
    assert reads.times(asked())[Step.REVIEWER].now.cases == 1
    found = reads.overturns(asked())["appeal"]
    assert (found.now, found.before) == (Looked(1, 1), Looked(0, 0))


def test_clocks_are_counted_as_deadlines_kept_counts_them(cast: Cast, alone: None) -> None:
    for after in (5, 30, None):
        request = make_request(cast, state=State.AWAITING_SELLER, now=MONDAY)
        if after:
            agree(number=request.number, user=cast.seller_user, now=MONDAY + hours(after))
    worded = make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    for _run in range(3):
        roll_up(MONDAY)
    say_as_staff(number=worded.number, user=cast.reviewer, text="At it.", now=MONDAY + hours(1))
    roll_up(MONDAY)
    for now in (MONDAY + hours(2), MONDAY + hours(200)):
        since, until = WEEK.instants
        told = {line.kind: line for line in kept(since, until, now) if not line.goods_type}
        found = {kind: both.now for kind, both in reads.clocks(asked(), now).items()}
        assert found == told
        assert found["first_reply"].met == 1
    assert found["seller_reply"][2:] == (3, 1, 2, 0)


def test_money_is_told_by_channel_and_never_across_currencies(cast: Cast) -> None:
    for currency, channel, amount in (
        ("CNY", "alipay", 9_900),
        ("CNY", "wechat_pay", 1_000),
        ("USD", "stripe", 700),
    ):
        order = make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=amount, currency=currency,
                           channel=channel, events=[("delivered", hours(-3))])  # fmt: skip
        request = make_request(cast, state=State.APPROVED, order=order, now=MONDAY)
        Transfer.objects.filter(reference=request.number).update(next_try_at=MONDAY)
        if currency == "CNY":
            pay(request.number, MONDAY + hours(1))
    roll_up(MONDAY)
    assert money_out(asked()) == [
        MoneyOut("CNY", "alipay", by_channel=9_900),
        MoneyOut("CNY", "wechat_pay", by_channel=1_000),
        MoneyOut("USD", "stripe", on_its_way=700),
    ]
    assert paid_by_day(asked())["CNY"][MONDAY.date()] == 10_900


def test_reasons_are_ranked_by_how_often_they_are_given(cast: Cast) -> None:
    for reason in ("not_activated", "invalid_code", "invalid_code"):
        make_request(cast, state=State.MANUAL_REVIEW, reason=reason, now=MONDAY)
    make_request(cast, state=State.MANUAL_REVIEW, reason="other", now=MONDAY - days(5))
    roll_up(MONDAY)
    found = reads.reasons(asked())
    assert [(reason, *both) for reason, both in found.items()] == [
        ("invalid_code", 2, 0), ("not_activated", 1, 0), ("other", 0, 1),
    ]  # fmt: skip


def test_sellers_are_ranked_by_rate_and_only_with_enough_orders(cast: Cast) -> None:
    for seller, orders in ((cast.seller, reads.FEW_ORDERS), (cast.other_seller, reads.FEW_ORDERS - 1)):
        for number in range(orders):
            order = make_order(shop=cast.shop, buyer=cast.buyer, seller=seller, paid=MONDAY, total=9_900,
                               events=[("delivered", MONDAY)])  # fmt: skip
            if number < 5:
                request = make_request(cast, state=State.REFUNDING, order=order, now=MONDAY)
                bring(request, State.REFUNDED if number < 2 else State.REFUNDING, cast, now=MONDAY + hours(1))
    roll_up(MONDAY)
    assert reads.sellers(asked()) == [
        SellerRate(cast.seller.code, cast.seller.name, orders=20, filed=5, paid_back=2, before=None)
    ]
    assert reads.sellers(asked(goods_type="account")) == []


def test_an_order_is_sold_once_however_often_it_is_paid(cast: Cast) -> None:
    make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, paid=MONDAY, captures=2)
    roll_up(MONDAY)
    assert [row.orders for row in SalesFigure.objects.all()] == [1]


def test_appeals_that_end_without_a_new_decision_count_too(cast: Cast) -> None:
    now = timezone.now()
    dismissed, upheld, made_good = rejected(cast), refunded(cast), refunded(cast)
    buyer_appeals(dismissed)
    decide_appeal.dismiss(number=dismissed.number, user=cast.supervisor, note="No.", now=now)
    for request in (upheld, made_good):
        seller_appeals(request, cast.seller_user)
    decide_appeal.uphold(number=upheld.number, user=cast.supervisor, note="No.", now=now)
    decide_appeal.overturn(number=made_good.number, user=cast.supervisor, amount=100, note="Yes.", now=now)
    roll_up(now)
    found = reads.overturns(Asked(PRESETS["today"].period(now.astimezone(SHANGHAI).date())))
    assert (found["appeal"].now, found["seller"].now) == (Looked(1, 0), Looked(2, 1))


def test_load_is_what_each_decided_and_holds(cast: Cast) -> None:
    for user, number in ((cast.reviewer, 2), (cast.second_reviewer, 1)):
        for _n in range(number):
            reject(make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY), user, now=MONDAY)
    held = make_request(cast, state=State.MANUAL_REVIEW)
    claim(number=held.number, user=cast.supervisor, now=timezone.now())
    roll_up(MONDAY)
    assert reads.reviewers(asked()) == [
        Load(cast.reviewer.username, 2, 0, 0),
        Load(cast.second_reviewer.username, 1, 0, 0),
        Load(cast.supervisor.username, 0, 0, 1),
    ]


def test_filters_leave_out_the_other_cases(cast: Cast) -> None:
    make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY)
    make_request(cast, state=State.MANUAL_REVIEW, now=MONDAY, goods_type="account")
    roll_up(MONDAY)
    for filters, count in (
        ({}, 2),
        ({"goods_type": "account"}, 1),
        ({"channel": "api"}, 2),
        ({"channel": "phone"}, 0),
    ):
        assert sum(day.filed for day in reads.volume(asked(**filters)).now) == count
        late = reads.clocks(asked(**filters), MONDAY + days(30)).get("review")
        assert (late.now.missed if late else 0) == count


@pytest.mark.parametrize(
    ("name", "since", "until", "before"),
    [
        ("today", "2026-03-31", "2026-03-31", "2026-03-30"),
        ("7", "2026-03-25", "2026-03-31", "2026-03-18"),
        ("month", "2026-03-01", "2026-03-31", "2026-01-29"),
        ("last_month", "2026-02-01", "2026-02-28", "2026-01-04"),
    ],
)
def test_ranges_and_what_they_are_compared_with(name: str, since: str, until: str, before: str) -> None:
    period = PRESETS[name].period(date(2026, 3, 31))
    assert [str(day) for day in (period.since, period.until, period.before.since)] == [since, until, before]
    assert len(period.days) == len(period.before.days)


def test_a_quantile_errs_by_less_than_the_bound() -> None:
    draw = random.Random(1)
    for _round in range(200):
        times = sorted(draw.lognormvariate(8, 3) + 1 for _n in range(draw.randint(1, 60)))
        counts: dict[int, int] = {}
        for time in times:
            bucket = sum(bound <= time for bound in BOUNDS)
            counts[bucket] = counts.get(bucket, 0) + 1
        for part in (0.5, 0.9):
            true = next(t for n, t in enumerate(times, 1) if n >= part * len(times))
            told = quantile(counts, part)
            assert told is not None
            assert abs(told.total_seconds() / min(true, BOUNDS[-1]) - 1) <= ERROR + 1e-9
    assert quantile({}, 0.5) is None
