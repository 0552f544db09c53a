"""What may happen in a case: filing, judging, paying. Each step is one of the product's own operations."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from marketplace.kernel import outbox
from marketplace.kernel.idempotency import Key
from marketplace.kernel.money import Money
from marketplace.notices.operations.deliver import deliver as deliver_notice
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import answer, decide, news, pay, review, sweep, tell
from refunds.operations.file import Filing, file_request
from refunds.operations.request_person import request_person
from refunds.operations.return_duplicates import return_duplicates
from refunds.operations.withdraw import withdraw

from .world import Job, World

REASONS = (
    "not_activated", "not_activated", "not_activated", "invalid_code", "duplicate_charge", "platform_fault", "no_fault",
)  # fmt: skip
PAYER_DIES, WORKER_DIES = 0.3, 0.02
# By the name of the job: what runs, how it is called in the report, how often it dies.
TASKS: dict[str, tuple[str, Callable[..., Any], float]] = {
    "refunds.precheck": ("precheck", decide.precheck, WORKER_DIES),
    "refunds.pay": ("pay", lambda number, now: pay.pay(number, now), PAYER_DIES),
    "refunds.return_duplicates": ("file", return_duplicates, WORKER_DIES),
    "refunds.take_notification": ("news", news.take_notification, 0.12),
    "refunds.deliver": ("deliver", deliver_notice, WORKER_DIES),
}
# What goes to people's mailboxes is delivered now and then: it takes time, and moves no money.
MOVE_NO_MONEY = [18, 1, 1]


# --- The buyer -----------------------------------------------------------------------------------------------


def file(world: World) -> None:
    rng = world.rng
    if world.unanswered and rng.random() < 0.7:
        _file(world, world.unanswered.pop())
        return
    order = rng.choice(world.orders)
    units = None if rng.random() < 0.6 else (str(rng.randint(1, order.quantity)),)
    amount = Money(rng.randint(1, order.total), order.currency) if rng.random() < 0.2 else None
    filing = Filing(order.no, rng.choice(REASONS), units=units, amount=amount, file_when_allowed=True)
    key = Key(f"buyer:{order.buyer_id}:file", world.key(), b"0" * 32)
    _file(world, partial(file_request, buyer_id=order.buyer_id, filing=filing, key=key, present=_number))


def _file(world: World, filing: Callable[..., Any]) -> None:
    if world.run("file", partial(filing, now=world.now)).killed:
        world.unanswered.append(filing)


def _number(request: RefundRequest, _units: Any = None) -> dict[str, Any]:
    return {"number": request.number}


def withdraw_case(world: World) -> None:
    if numbers := world.numbers(State.AWAITING_SELLER, State.MANUAL_REVIEW, State.SUBMITTED):
        _as_buyer(world, "withdraw", withdraw, world.rng.choice(numbers))


def ask_for_a_person(world: World) -> None:
    if numbers := world.numbers(State.REJECTED):
        _as_buyer(world, "ask_person", request_person, world.rng.choice(numbers))


def _as_buyer(world: World, name: str, operation: Callable[..., Any], number: str) -> None:
    buyer_id = RefundRequest.objects.get(number=number).buyer_id
    key = Key(f"buyer:{buyer_id}:{name}", world.key(), b"0" * 32)
    world.run(
        name, partial(operation, buyer_id=buyer_id, number=number, key=key, present=_number, now=world.now)
    )


# --- Those who judge -----------------------------------------------------------------------------------------


def seller_answers(world: World) -> None:
    if numbers := world.numbers(State.AWAITING_SELLER):
        number = world.rng.choice(numbers)
        request = RefundRequest.objects.get(number=number)
        user = next(person.user for person in world.sellers if person.seller.pk == request.seller_id)
        if world.rng.random() < 0.8:
            world.run("answer", partial(answer.agree, number=number, user=user, now=world.now))
        else:
            refuse = partial(answer.refuse, number=number, user=user, ground="other", note="No.")
            world.run("answer", partial(refuse, now=world.now))


def staff_decide(world: World) -> None:
    rng = world.rng
    if numbers := world.numbers(State.MANUAL_REVIEW, State.ARBITRATION):
        number, user = rng.choice(numbers), rng.choice([*world.reviewers, world.supervisor])
        request = RefundRequest.objects.get(number=number)
        amount = rng.choice([None, None, rng.randint(1, request.amount)])
        if standing := review.standing_proposal(request):
            amount = standing.amount
        choice = rng.random()
        if choice < 0.85:
            approve = partial(
                review.approve_request, number=number, user=user, amount=amount, **_ruling("Yes.")
            )
            world.run("review", partial(approve, now=world.now))
        elif choice < 0.95:
            reject = partial(review.reject, number=number, user=user, clause="B3", **_ruling("No."))
            world.run("review", partial(reject, now=world.now))
        else:
            world.run("review", partial(review.refer, number=number, user=user, note="Hm.", now=world.now))


def _ruling(note: str) -> dict[str, str]:
    """By lot and not by precedent, which is what the deviation says."""
    return {"note": note, "fault": "none", "deviation": "By lot."}


# --- The machine ---------------------------------------------------------------------------------------------


def publish(world: World) -> None:
    """The scheduler takes the outbox to the broker; a hint may be lost there, or come twice."""
    ending = world.run("publish", _publish, 0.02)
    for job in ending.value or []:
        likely = MOVE_NO_MONEY if job[0] == "refunds.deliver" else [1, 8, 1]
        world.jobs += [job] * world.rng.choices([0, 1, 2], likely)[0]


def _publish() -> list[Job]:
    jobs: list[Job] = []
    outbox.publish(lambda task, args: jobs.append((task, args)))
    return jobs


def tell_waiting(world: World) -> None:
    """Whoever dies over it leaves the jobs to the next."""
    world.run("tell", partial(tell.tell_waiting, world.now), 0.1)


def deliver(world: World) -> None:
    """A worker takes any job, in no order; one that dies with it may get it again."""
    if world.jobs:
        job = world.jobs.pop(world.rng.randrange(len(world.jobs)))
        name, task, likely = TASKS[job[0]]
        if name == "pay":
            likely = _payer_dies(world, str(job[1][0]))
        ending = world.run(name, partial(task, *job[1], world.now), likely)
        if ending.killed and world.rng.random() < 0.5:
            world.jobs.append(job)


def hint(world: World) -> None:
    """Somebody is impatient: the payer is told to look, whether there is anything to do or not."""
    if numbers := world.numbers(State.APPROVED, State.REFUNDING):
        number = world.rng.choice(numbers)
        world.run("pay", partial(pay.pay, number, world.now), _payer_dies(world, number))


def _payer_dies(world: World, number: str) -> float:
    """A payer with nothing to do has nothing to die at."""
    due = (
        "SELECT 1 FROM payments_transfer WHERE reference = %(number)s AND next_try_at <= %(now)s"
        " AND state IN ('queued', 'sending', 'pending')"
    )
    return PAYER_DIES if world.rows(due, number=number, now=world.now) else 0.0


def sweep_transfers(world: World) -> None:
    world.run("sweep", lambda: sweep.sweep_transfers(world.now), WORKER_DIES)


def sweep_prechecks(world: World) -> None:
    world.run("sweep", partial(sweep.sweep_prechecks, world.now), WORKER_DIES)


def sweep_deadlines(world: World) -> None:
    world.run("sweep", partial(sweep.sweep_deadlines, world.now), WORKER_DIES)


def sweep_news(world: World) -> None:
    world.run("news", partial(news.sweep_notifications, world.now), 0.1)


def find_duplicates(world: World) -> None:
    """What the shop's push does for a payment taken twice (G3)."""
    order = world.rng.choice(world.orders)
    world.run("file", partial(return_duplicates, order.no, world.now), WORKER_DIES)


# --- The world outside ---------------------------------------------------------------------------------------


def clock(world: World) -> None:
    """Time goes by; now and then workers are down for more than a day."""
    seconds = world.rng.choices([1, 11, 62, 700, 7_200, 43_200, 100_000], [3, 5, 6, 5, 4, 2, 1])[0]
    world.pass_time(timedelta(seconds=seconds))


def outage(world: World) -> None:
    """The channels are away for hours, seldom for more than a day."""
    world.channel.closed_until = world.now + timedelta(hours=world.rng.choice([1, 3, 8, 30]))


STEPS: dict[Callable[[World], None], float] = {
    file: 8, withdraw_case: 0.3, ask_for_a_person: 0.3, seller_answers: 5, staff_decide: 8, publish: 8, deliver: 14, tell_waiting: 1,
    hint: 3, sweep_transfers: 4, sweep_prechecks: 1, sweep_deadlines: 1, sweep_news: 1, find_duplicates: 0.5, clock: 9,
    outage: 0.3,
}  # fmt: skip
