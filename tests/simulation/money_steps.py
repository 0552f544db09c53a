"""What may happen to money beside the payer: news and disputes of the channels, people at the desk, sellers' funds."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from marketplace.kernel.money import Money
from marketplace.ledger.models import Kind
from marketplace.ledger.queries import balance
from marketplace.payments.gateways.base import Subject
from marketplace.payments.models import Payout, Withdrawal
from marketplace.payments.operations import seller_funds
from marketplace.payments.operations.notify import take
from marketplace.payments.operations.payout import Payee
from marketplace.risk.models import Dispute
from refunds.operations import dispute_by_hand, pay_by_hand, unstick, withdraw_funds
from refunds.operations.identity import verify_identity
from refunds.operations.settle import settle_order

from . import gateway
from .world import World

STUCK = (
    "SELECT t.number, t.state FROM payments_transfer t JOIN refunds_refundrequest r ON r.number = t.reference"
    " WHERE r.order_id = ANY(%(orders)s) AND t.state IN ('manual', 'failed', 'abnormal') ORDER BY t.id"
)
DISPUTES = (
    "SELECT d.number, d.kind, d.channel_dispute_no FROM risk_dispute d JOIN payments_capture c ON c.id = d.capture_id"
    " WHERE c.order_id = ANY(%(orders)s) AND d.state = 'open' ORDER BY d.id"
)
PAYOUTS = (
    "SELECT p.id FROM payments_payout p JOIN payments_transfer t ON t.id = p.transfer_id"
    " JOIN refunds_refundrequest r ON r.number = t.reference"
    " WHERE r.order_id = ANY(%(orders)s) AND p.decided_by_id IS NULL ORDER BY p.id"
)
DIES = 0.04


# --- What the channels tell ----------------------------------------------------------------------------------


def hear(world: World) -> None:
    """Any notification that is on its way comes in, in no order; one that we die on is sent again."""
    due = [news for news in world.channel.news if news.at <= world.now]
    if due:
        news = world.rng.choice(due)
        call = partial(take, channel=news.channel, headers={}, body=gateway.body(news), now=world.now)
        if not world.run("notify", call, DIES).killed:
            world.channel.news.remove(news)
            world.channel.faults["notifications"] += 1


def false_hint(world: World) -> None:
    """A notification about nothing: the channel says it, and it is not so."""
    if world.channel.paid:
        paid = world.rng.choice(world.channel.paid)
        world.channel.tell(timedelta(0), Subject.REFUND, paid.channel_no, refund_number=paid.number)


UNDER_WAY = (
    "SELECT DISTINCT c.channel_no FROM payments_transfer t JOIN payments_claim k ON k.id = t.claim_id"
    " JOIN payments_capture c ON c.id = k.capture_id WHERE c.order_id = ANY(%(orders)s)"
    " AND t.state NOT IN ('succeeded', 'cancelled') AND t.sent_at IS NOT NULL"
)


def charge_back(world: World) -> None:
    """Any payment, and rather one that is being paid back: that is where the two meet."""
    captures = [c for c in world.captures if c.channel in gateway.TELL_DISPUTES]
    under_way = {no for (no,) in world.rows(UNDER_WAY)}
    if world.rng.random() < 0.6:
        captures = [c for c in captures if c.channel_no in under_way] or captures
    taken = {dispute.channel_no for dispute in world.channel.disputes.values()}
    if free := [c for c in captures if c.channel_no not in taken]:
        capture = world.rng.choice(free)
        amount = world.rng.choice([capture.amount, capture.amount, world.rng.randint(1, capture.amount)])
        world.channel.charge_back(capture.channel_no, amount)


def decide_chargeback(world: World) -> None:
    if undecided := [no for no, told in world.channel.disputes.items() if told.status == "open"]:
        world.channel.decide(world.rng.choice(undecided), world.rng.choice(["won", "lost"]))


def complain(world: World) -> None:
    """A buyer complains at Alipay or WeChat Pay, and somebody enters it."""
    captures = [c for c in world.captures if c.channel not in gateway.TELL_DISPUTES]
    if captures:
        capture = world.rng.choice(captures)
        enter = partial(
            dispute_by_hand.open_by_hand,
            user=world.risk, channel=capture.channel, channel_dispute_no=f"cp-{world.key()}",
            channel_no=capture.channel_no, money=Money(capture.amount, capture.currency), reason="complaint", due_at=None, note="Seen.",
        )  # fmt: skip
        world.run("dispute", partial(enter, now=world.now), DIES)


def close_complaint(world: World) -> None:
    if complaints := [number for number, kind, _no in world.rows(DISPUTES) if kind == Dispute.Kind.COMPLAINT]:
        number, state = (
            world.rng.choice(complaints),
            world.rng.choice([Dispute.State.WON, Dispute.State.LOST]),
        )
        close = partial(
            dispute_by_hand.decide_by_hand, user=world.risk, number=number, state=state, note="Seen."
        )
        world.run("dispute", partial(close, now=world.now), DIES)


# --- The desk ------------------------------------------------------------------------------------------------


def desk(world: World) -> None:
    """Finance looks after a transfer that nobody else can help."""
    rng = world.rng
    if stuck := world.rows(STUCK):
        number, state = rng.choice(stuck)
        user = rng.choice(world.finance)
        by = {"transfer_number": number, "user": user, "now": world.now}
        if state == "manual":
            choice = rng.choice([unstick.send_again, unstick.send_again, unstick.give_up_channel])
            world.run("unstick", partial(choice, note="Seen to.", **by), DIES)
        elif rng.random() < 0.2:
            world.run("unstick", partial(unstick.ask_again, **by), DIES)
        else:
            payee = Payee("Zhang San", "ICBC", "6222000011112222")
            world.run("payout", partial(pay_by_hand.propose, payee=payee, note="Card closed.", **by), DIES)


def confirm_payout(world: World) -> None:
    if payouts := [pk for (pk,) in world.rows(PAYOUTS)]:
        payout_id = world.rng.choice(payouts)
        payout = Payout.objects.get(pk=payout_id)
        user = next(user for user in world.finance if user.pk != payout.proposed_by_id)
        by = {"payout_id": payout_id, "user": user, "now": world.now}
        if world.rng.random() < 0.85:
            # The bank pays once, under one reference: who is not answered asks again under the same.
            confirm = partial(pay_by_hand.confirm, bank_reference=f"payout {payout_id}", **by)
            world.run("payout", confirm, DIES)
        else:
            world.run("payout", partial(pay_by_hand.reject, **by), DIES)


def identify(world: World) -> None:
    """Somebody checks who a buyer abroad is (B9)."""
    buyer = world.rng.choice(world.buyers)
    check = partial(
        verify_identity, buyer_id=buyer.pk, note="Passport.", user=world.supervisor, now=world.now
    )
    world.run("identity", check, DIES)


# --- Sellers -------------------------------------------------------------------------------------------------


def settle(world: World) -> None:
    order = world.rng.choice(world.orders)
    world.run("settle", partial(settle_order, order.pk, world.now), DIES)


def ask_for_money(world: World) -> None:
    person = world.rng.choice(world.sellers)
    payable = -balance(Kind.PAYABLE, person.seller.code, "CNY")
    if payable > 0:
        amount = world.rng.choice([payable, world.rng.randint(1, payable)])
        ask = partial(withdraw_funds.request_withdrawal, user=person.user, amount=amount, currency="CNY")
        world.run("withdrawal", partial(ask, now=world.now), DIES)


def pay_withdrawal(world: World) -> None:
    waiting = Withdrawal.objects.filter(
        seller__in=[person.seller for person in world.sellers], state=Withdrawal.State.REQUESTED
    )
    if numbers := list(waiting.order_by("id").values_list("number", flat=True)):
        number, user = world.rng.choice(numbers), world.rng.choice(world.finance)
        if world.rng.random() < 0.8:
            pay = partial(withdraw_funds.pay_withdrawal, number=number, bank_reference=f"withdrawal {number}")
            world.run("withdrawal", partial(pay, user=user, now=world.now), DIES)
        else:
            reject = partial(withdraw_funds.reject_withdrawal, number=number, note="No.")
            world.run("withdrawal", partial(reject, user=user, now=world.now), DIES)


def deposit(world: World) -> None:
    """A deposit arrives, or is asked back."""
    person, user, amount = world.rng.choice(world.sellers), world.finance[0], world.rng.randint(1, 100_000)
    move = world.rng.choice(
        [seller_funds.take_deposit, withdraw_funds.return_deposit, seller_funds.repay_debt]
    )
    arrive = partial(move, seller=person.seller, amount=amount, currency="CNY", bank_reference=world.key())
    world.run("funds", partial(arrive, user=user, now=world.now), DIES)


STEPS: dict[Callable[[World], None], float] = {
    hear: 5, false_hint: 0.7, charge_back: 1.2, decide_chargeback: 0.8, complain: 0.6, close_complaint: 0.3, desk: 4,
    confirm_payout: 3, identify: 0.7, settle: 2.5, ask_for_money: 1, pay_withdrawal: 1, deposit: 0.7,
}  # fmt: skip
