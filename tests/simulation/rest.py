"""A world's life, and how it comes to rest: everything is started again, and the clock moves on until nothing is left."""

from datetime import datetime, timedelta

from marketplace.identity.models import Buyer

from . import money_steps, offer_steps, steps
from .world import World

ALL = {**steps.STEPS, **offer_steps.STEPS, **money_steps.STEPS}
ROUNDS = 150  # as many as a transfer that is asked for every half hour needs


def live(world: World) -> None:
    for step in world.rng.choices(list(ALL), list(ALL.values()), k=world.rng.randint(20, 60)):
        step(world)


# What the machine still has to do, by what would do it, and when.
_NEXT = """
SELECT 'transfers', min(t.next_try_at) FROM payments_transfer t JOIN refunds_refundrequest r ON r.number = t.reference
WHERE r.order_id = ANY(%(orders)s) AND t.state IN ('queued', 'sending', 'pending')
UNION ALL SELECT 'prechecks', min(coalesce(due_at, filed_at + interval '10 seconds')) FROM refunds_refundrequest
WHERE order_id = ANY(%(orders)s) AND state = 'submitted'
UNION ALL SELECT 'deadlines', min(due_at) FROM refunds_refundrequest
WHERE order_id = ANY(%(orders)s) AND state IN ('awaiting_seller', 'awaiting_buyer', 'awaiting_evidence')
UNION ALL SELECT 'news', min(received_at) + interval '30 seconds' FROM payments_notification WHERE state = 'waiting'
UNION ALL SELECT 'jobs', min(%(now)s::timestamptz) FROM kernel_outboxjob WHERE NOT starts_with(task, 'batch.')
UNION ALL SELECT 'words', min(%(now)s::timestamptz) FROM kernel_outboxjob WHERE starts_with(task, 'batch.')
"""
_SWEEPS = {
    "transfers": steps.sweep_transfers,
    "prechecks": steps.sweep_prechecks,
    "deadlines": steps.sweep_deadlines,
    "news": steps.sweep_news,
    "jobs": steps.publish,
    "words": steps.tell_waiting,
}


def come_to_rest(world: World) -> bool:
    """The broker forgot everything. False where there is always something left to do."""
    world.jobs.clear()
    Buyer.objects.filter(pk__in=[buyer.pk for buyer in world.buyers]).update(identity_verified_at=world.now)
    for no, told in list(world.channel.disputes.items()):
        if told.status == "open":
            world.channel.decide(no, world.rng.choice(["won", "lost"]))
    for round_no in range(ROUNDS):
        world.crashes_allowed = round_no < 6
        if round_no < 3:
            _people_work(world)
        while any(news.at <= world.now for news in world.channel.news):
            money_steps.hear(world)
        left = {what: at for what, at in world.rows(_NEXT, now=world.now) if at is not None}
        if not left and not world.channel.news and round_no > 2:
            return True
        _machine_works(world, left)
        wait = min([*left.values(), *(news.at for news in world.channel.news)], default=world.now) - world.now
        late = timedelta(seconds=world.rng.uniform(1, min(3**round_no, 40_000)))
        world.pass_time(max(wait, timedelta(0)) + late)
    return False


def _machine_works(world: World, left: dict[str, datetime]) -> None:
    due = [what for what, at in left.items() if at <= world.now]
    for what in due:
        _SWEEPS[what](world)
    if due and "jobs" not in due:
        steps.publish(world)
    while world.jobs:
        steps.deliver(world)


def _people_work(world: World) -> None:
    for step in (
        steps.seller_answers,
        steps.staff_decide,
        steps.staff_decide,
        money_steps.desk,
        money_steps.desk,
    ):
        step(world)
    for step in (money_steps.confirm_payout, money_steps.settle, money_steps.close_complaint):
        step(world)
