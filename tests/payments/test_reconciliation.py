"""A channel's list of a day against our books: every difference is a row with an owner, and nothing corrects it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.kernel.errors import NotPermitted
from marketplace.kernel.money import Money
from marketplace.ledger.models import Transaction
from marketplace.payments import gateways
from marketplace.payments.models import Break, BreakKind, Capture, Reconciliation, Transfer
from marketplace.payments.operations.breaks import BreakClosed, ExplanationNeeded, close, take
from marketplace.payments.operations.reconcile import due, reconcile, reconcile_due
from refunds.machine import State
from refunds.operations.pay import pay
from tests.cases import make_request
from tests.channels.server import Fault
from tests.channels.stripe import StripeChannel
from tests.people import Cast

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # in Shanghai
DAY = date(2026, 3, 2)
NEXT_MORNING = NOON + timedelta(hours=23)


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeChannel]:
    with StripeChannel().running() as channel:
        channel.now = lambda: NOON
        channel.top_up(Money(100_000, "CNY"))  # the balance we come with
        settings.STRIPE = channel.settings
        settings.SANDBOX_ANSWERS_FOR = []
        gateways._gateway.cache_clear()
        yield channel
        gateways._gateway.cache_clear()


def approved(cast: Cast, stripe: StripeChannel, total: int = 9_900) -> Transfer:
    request = make_request(cast, state=State.APPROVED, total=total, channel="stripe", now=NOON)
    Capture.objects.filter(order=request.order).update(channel_no=stripe.pay(Money(total, "CNY")))
    return Transfer.objects.get(reference=request.number)


def paid(cast: Cast, stripe: StripeChannel, at: datetime = NOON) -> Transfer:
    transfer = approved(cast, stripe)
    stripe.now = lambda: at
    pay(transfer.reference, at)
    transfer.refresh_from_db()
    assert transfer.state == Transfer.State.SUCCEEDED
    return transfer


def run(day: date = DAY, now: datetime = NEXT_MORNING) -> list[tuple[str, str]]:
    reconcile(channel="stripe", day=day, now=now)
    return list(Break.objects.order_by("id").values_list("kind", "number"))


def test_equal_books_match_and_leave_no_break(cast: Cast, stripe: StripeChannel) -> None:
    paid(cast, stripe)
    assert run() == []
    assert Reconciliation.objects.values_list("channel", "day", "matched", "breaks").get() == (
        "stripe",
        DAY,
        1,
        0,
    )


def test_refund_the_channel_never_heard_of_is_missing_there(cast: Cast, stripe: StripeChannel) -> None:
    transfer = paid(cast, stripe)
    stripe.refunds.clear()
    assert run() == [(BreakKind.MISSING_THERE, transfer.number)]
    found = Break.objects.get()
    assert (found.ours, found.theirs) == ("CNY 99.00 succeeded", "–")


def test_refund_sent_before_midnight_and_taken_after_it_is_found_in_the_next_list(
    cast: Cast, stripe: StripeChannel
) -> None:
    transfer = approved(cast, stripe)
    midnight = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    stripe.faults.append(Fault.DROP)
    pay(transfer.reference, midnight - timedelta(seconds=5))
    stripe.now = lambda: midnight + timedelta(seconds=5)
    pay(transfer.reference, midnight + timedelta(seconds=5))
    assert Transfer.objects.get().state == Transfer.State.SUCCEEDED
    assert run() == []
    assert run(DAY + timedelta(days=1)) == []


def test_refund_made_behind_our_back_is_missing_here(cast: Cast, stripe: StripeChannel) -> None:
    transfer = paid(cast, stripe)
    stripe.refunds[0]["metadata"] = {}
    assert run() == [
        (BreakKind.MISSING_HERE, stripe.refunds[0]["id"]),
        (BreakKind.MISSING_THERE, transfer.number),
    ]


def test_refund_we_never_sent_is_missing_here(cast: Cast, stripe: StripeChannel) -> None:
    transfer = paid(cast, stripe)
    other = approved(cast, stripe)
    stripe.refunds[0]["metadata"] = {"recourse_transfer": other.number}
    assert set(run()) == {(BreakKind.MISSING_HERE, other.number), (BreakKind.MISSING_THERE, transfer.number)}


def test_other_amount_is_a_break(cast: Cast, stripe: StripeChannel) -> None:
    transfer = paid(cast, stripe)
    stripe.refunds[0]["amount"] -= 1
    assert run() == [(BreakKind.AMOUNT, transfer.number)]
    assert Break.objects.get().theirs == "CNY 98.99 succeeded"


def test_refund_that_came_back_is_a_state_break_and_changes_nothing(
    cast: Cast, stripe: StripeChannel
) -> None:
    transfer = paid(cast, stripe)
    booked = Transaction.objects.count()
    stripe.become(transfer.number, "failed", "lost_or_stolen_card")
    assert run(now=NOON + timedelta(days=14)) == [(BreakKind.STATE, transfer.number)]
    transfer.refresh_from_db()
    assert (transfer.state, Transaction.objects.count()) == (Transfer.State.SUCCEEDED, booked)


def test_refund_still_open_with_us_is_a_break_only_after_a_day(cast: Cast, stripe: StripeChannel) -> None:
    transfer = approved(cast, stripe)
    stripe.faults.append(Fault.DROP_AFTER)
    pay(transfer.reference, NOON)
    assert run() == []
    assert run(now=NOON + timedelta(hours=25)) == [(BreakKind.STATE, transfer.number)]


def test_the_same_break_is_kept_once_and_not_brought_up_again_once_explained(
    cast: Cast, stripe: StripeChannel
) -> None:
    transfer = paid(cast, stripe)
    stripe.refunds.clear()
    assert run() == run() == [(BreakKind.MISSING_THERE, transfer.number)]
    found = Break.objects.get()
    assert take(break_id=found.pk, user=cast.finance).owner == cast.finance
    with pytest.raises(ExplanationNeeded):
        close(break_id=found.pk, user=cast.finance, note=" ", now=NEXT_MORNING)
    close(break_id=found.pk, user=cast.finance, note="Listed by hand in March.", now=NEXT_MORNING)
    assert len(run()) == 1
    assert not Break.objects.filter(closed_at__isnull=True).exists()
    with pytest.raises(BreakClosed):
        take(break_id=found.pk, user=cast.finance)


def test_only_finance_resolves_breaks(cast: Cast, stripe: StripeChannel) -> None:
    paid(cast, stripe)
    stripe.refunds.clear()
    run()
    found = Break.objects.get()
    for user in (cast.reviewer, cast.support, cast.auditor, cast.seller_user):
        with pytest.raises(NotPermitted):
            take(break_id=found.pk, user=user)
        with pytest.raises(NotPermitted):
            close(break_id=found.pk, user=user, note="Mine.", now=NEXT_MORNING)
    found.refresh_from_db()
    assert (found.owner, found.closed_at) == (None, None)


def test_database_refuses_a_break_closed_without_a_word(cast: Cast, stripe: StripeChannel) -> None:
    paid(cast, stripe)
    stripe.refunds.clear()
    run()
    with pytest.raises(IntegrityError, match="break_closed_by_somebody"), transaction.atomic():
        Break.objects.update(closed_at=NEXT_MORNING, closed_by=cast.finance)
    with pytest.raises(IntegrityError, match="break_closed_by_somebody"), transaction.atomic():
        Break.objects.update(closed_at=NEXT_MORNING, note="Somebody.")


def test_daily_run_looks_at_each_day_once_and_leaves_a_silent_channel_for_later(
    cast: Cast, stripe: StripeChannel
) -> None:
    paid(cast, stripe)
    days = [day for channel, day in due(NEXT_MORNING) if channel == "stripe"]
    assert days[0] == DAY and len(days) == 5  # again at 3, 7, 14 and 30 days
    stripe.faults.append(Fault.ERROR)
    first = reconcile_due(NEXT_MORNING)
    assert (first.unanswered, first.breaks) == (1, 0)
    # Rows are written with the instant handed in, so the next look of the same day asks for the missing one alone.
    assert [day for channel, day in due(NEXT_MORNING) if channel == "stripe"] == [DAY]
    assert reconcile_due(NEXT_MORNING).matched == 1
    assert due(NEXT_MORNING) == []


def test_sandbox_is_compared_once_for_all_it_answers_for(cast: Cast) -> None:
    request = make_request(cast, state=State.APPROVED)
    now = timezone.now()
    pay(request.number, now)
    today = timezone.localdate(now)
    found = reconcile(channel="sandbox", day=today, now=now)
    assert (found.matched, found.breaks) == (1, 0)
    assert {channel for channel, _day in due(now)} == {"sandbox"}


def test_command_compares_and_sums_up(cast: Cast, capsys: Any) -> None:
    call_command("reconcile")
    assert capsys.readouterr().out.splitlines()[-1] == "days=1 matched=0 breaks=0 unanswered=0"
    with pytest.raises(CommandError, match="together"):
        call_command("reconcile", channel="stripe")
    with pytest.raises(CommandError, match="No list of card"):
        call_command("reconcile", channel="card", day=DAY)
