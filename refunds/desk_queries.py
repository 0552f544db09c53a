"""What the staff desk reads: its queues, their counts, and one case whole. Search: desk_search.py."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound
from marketplace.orders.models import Unit, UnitEvent
from marketplace.payments.models import Break, Capture, Payout, Transfer
from marketplace.payments.operations.payout import is_paid_by_hand
from marketplace.risk.models import Dispute, Signal

from .casefile.offers import offers
from .casefile.reading import disputes_of
from .extensions import PutOff, put_off
from .machine import State
from .models import (
    Appeal,
    Deadline,
    Decision,
    Evidence,
    EvidenceDemand,
    Flag,
    Message,
    Offer,
    OfferAnswer,
    PanelMember,
    Proposal,
    RefundItem,
    RefundRequest,
    Transition,
    Vote,
)
from .operations.review import standing_proposal
from .permissions import is_outside, reach

COUNT_TO = 99  # beyond it a queue shows "99+"
SOON = timedelta(hours=4)

NEEDS_A_PERSON = Exists(
    Transfer.objects.filter(reference=OuterRef("number"), state__in=Transfer.STUCK_STATES)
)
STANDING_FLAG = Exists(Flag.objects.filter(request=OuterRef("pk"), cleared_at__isnull=True))
# Of a request that waits for evidence: whom it asked. NULL for the others.
ASKED_OF = Subquery(
    EvidenceDemand.objects.filter(request=OuterRef("pk"), sequence=OuterRef("sequence")).values("of")[:1]
)
DEADLINE_FIRST = ("due_at", "id")
Picks = Callable[[datetime, User], Q]


UNASSIGNED = "unassigned"  # where the next case comes from if no other queue is named


class Queue(NamedTuple):
    """A list of cases. `picks` is answered by an index; `order` is that index's order and ends in the key."""

    key: str
    label: str | Promise
    icon: str
    picks: Picks
    empty: str | Promise  # what it means that there is nothing
    order: tuple[str, ...] = DEADLINE_FIRST
    claims: State | None = None  # the next case in it can be taken in hand, of those in this state


def _in(*states: State) -> Picks:
    return lambda now, user: Q(state=states[0]) if len(states) == 1 else Q(state__in=states)


QUEUES: dict[str, Queue] = {
    queue.key: queue
    for queue in (
        Queue(
            "mine", _("Mine"), "back_hand", lambda now, user: Q(holder=user),
            _("You have no case in hand. “Next case” gives you the one that is due first."),
        ),
        Queue(
            UNASSIGNED, _("Unassigned"), "inbox",
            lambda now, user: Q(state=State.MANUAL_REVIEW, holder__isnull=True),
            _("Every case that needs a reviewer is in somebody's hands."), claims=State.MANUAL_REVIEW,
        ),
        Queue(
            "review", _("Needs a reviewer"), "gavel", _in(State.MANUAL_REVIEW),
            _("No case waits for a reviewer. New ones appear here by themselves."), claims=State.MANUAL_REVIEW,
        ),
        Queue(
            "overdue", _("Overdue"), "alarm", lambda now, user: Q(due_at__lt=now),
            _("Nothing is overdue: every deadline has been kept so far."), claims=State.MANUAL_REVIEW,
        ),
        Queue(
            "soon", _("Due within 4 hours"), "schedule",
            lambda now, user: Q(due_at__gte=now, due_at__lt=now + SOON),
            _("No deadline falls into the next four hours."), claims=State.MANUAL_REVIEW,
        ),
        Queue(
            "high", _("High value"), "diamond",
            lambda now, user: Q(state=State.MANUAL_REVIEW, amount__gt=F("two_person_above")),
            _("No case above the two-person limit waits for a reviewer."), claims=State.MANUAL_REVIEW,
        ),
        Queue(
            "second", _("Waiting for a second person"), "group", lambda now, user: Q(proposer__isnull=False),
            _("No proposal waits for its second person."), claims=State.MANUAL_REVIEW,
        ),
        Queue(
            "seller", _("Waiting for the seller"), "storefront", _in(State.AWAITING_SELLER),
            _("No seller owes an answer."),
        ),
        Queue(
            "buyer", _("Waiting for the buyer"), "person", _in(State.AWAITING_BUYER),
            _("No offer waits for a buyer's answer."),
        ),
        Queue(
            "evidence", _("Waiting for evidence"), "attach_file", _in(State.AWAITING_EVIDENCE),
            _("No evidence is being waited for."),
        ),
        Queue(
            "arbitration", _("Arbitration"), "balance", _in(State.ARBITRATION),
            _("No case is in arbitration."), claims=State.ARBITRATION,
        ),
        Queue(
            "legal", _("For legal review"), "flag", lambda now, user: Q(STANDING_FLAG),
            _("Nobody threatens with court, police or the bank."), ("id",), State.MANUAL_REVIEW,
        ),
        Queue(
            "stuck", _("Payment needs a person"), "report",
            lambda now, user: Q(NEEDS_A_PERSON, state=State.REFUNDING),
            _("No channel has refused a payment: all money goes back by itself."), ("id",),
        ),
        Queue(
            "paying", _("Being paid back"), "payments", _in(State.APPROVED, State.REFUNDING),
            _("No money is on its way."), ("id",),
        ),
        Queue(
            "all", _("All"), "list", lambda now, user: Q(),
            _("No refund has been requested yet."), ("-id",),
        ),
    )
}  # fmt: skip


# Counted with the queues: payouts by hand that wait for their second person, appeals that wait to be decided, and
# breaks that nobody has resolved.
PAYOUTS, APPEALS, BREAKS = "payouts", "appeals", "breaks"
BESIDE: dict[str, QuerySet[Any, Any]] = {
    PAYOUTS: Payout.objects.filter(decided_by__isnull=True),
    APPEALS: Appeal.objects.filter(decided_at__isnull=True),
    BREAKS: Break.objects.filter(closed_at__isnull=True),
}


def queue_counts(now: datetime, user: User) -> dict[str, int]:
    """How many cases stand in each queue but the last, of those within this person's reach; and of BESIDE; counted to
    COUNT_TO + 1, in one query.
    """
    within = RefundRequest.objects.filter(reach(user))
    parts: list[QuerySet[Any, Any]] = [
        _named(within.filter(queue.picks(now, user)), key) for key, queue in QUEUES.items() if key != "all"
    ]
    parts += [_named(rows, key) for key, rows in BESIDE.items()]
    found = Counter(parts[0].union(*parts[1:], all=True))
    return {key: found[key] for key in (*QUEUES, *BESIDE) if key != "all"}


def _named(rows: QuerySet[Any, Any], key: str) -> QuerySet[Any, Any]:
    named: QuerySet[Any, Any] = rows.order_by().annotate(queue=Value(key)).values_list("queue", flat=True)
    return named[: COUNT_TO + 1]


class Case(NamedTuple):
    """All that one screen shows of a request, read in a fixed number of queries."""

    request: RefundRequest
    units: list[Unit]  # of the order, events in `all_events`; never their codes
    covered: dict[int, RefundItem]  # by unit
    captures: list[Capture]
    transfers: list[Transfer]
    decision: Decision | None
    proposal: Proposal | None
    signals: list[Signal]  # standing against the buyer
    disputes: list[Dispute]  # of the order's payments, open and closed
    clocks: list[Deadline]  # as they started
    put_off: list[PutOff]
    others: list[RefundRequest]  # the buyer's latest other requests
    seats: list[PanelMember]  # who sits over it now
    votes: list[Vote]  # of theirs, in the arbitration it is in
    appeals: list[Appeal]


# How often the seller has broken a promise, in whatever case: it counts against them (F2).
_BROKEN_PROMISES = Coalesce(
    Subquery(
        Offer.objects.filter(request__seller=OuterRef("seller"), answer=OfferAnswer.BROKEN)
        .order_by()
        .values("request__seller")
        .annotate(times=Count("pk"))
        .values("times")
    ),
    0,
)


def case(number: str, user: User) -> Case:
    """What this member of staff may see of it: an arbiter nothing of the buyer's other affairs.

    Raises NotFound, also for a case beyond their reach.
    """
    request = (
        RefundRequest.objects.select_related("order__shop", "buyer", "seller", "maker", "checker", "holder")
        .prefetch_related(
            Prefetch("items", RefundItem.objects.order_by("id")),
            Prefetch("transitions", Transition.objects.select_related("user").order_by("sequence")),
            Prefetch("messages", Message.objects.select_related("user").order_by("id")),
            Prefetch("evidence", Evidence.objects.select_related("user").order_by("position")),
            Prefetch("evidence_demands", EvidenceDemand.objects.order_by("sequence")),
            *offers(),
        )
        .annotate(broken_promises=_BROKEN_PROMISES)
        .filter(reach(user), number=number)
        .first()
    )
    if request is None:
        raise NotFound()
    units = request.order.units.defer("sealed_secret", "secret_fingerprint").order_by("id")
    units = units.annotate(has_code=ExpressionWrapper(Q(sealed_secret__isnull=False), BooleanField()))
    events = Prefetch("events", UnitEvent.objects.order_by("at", "id"))
    outside, seats = is_outside(user), list(_seats(request))
    return Case(
        request=request,
        units=list(units.prefetch_related(events)),
        covered={item.unit_id: item for item in request.items.all()},
        captures=list(request.order.captures.order_by("captured_at", "id")),
        transfers=list(_transfers(request)),
        decision=request.decisions.select_related("policy").order_by("-id").first(),
        proposal=standing_proposal(request),
        disputes=disputes_of(request.order_id),
        signals=[]
        if outside
        else list(request.buyer.signals.filter(cleared_at__isnull=True).order_by("-id")[:10]),
        others=[] if outside else list(_others(request)),
        seats=seats,
        votes=[vote for seat in seats for vote in seat.votes.all() if vote.sequence == request.sequence],
        appeals=list(request.appeals.select_related("decided_by", "proposed_by").order_by("id")),
        clocks=list(request.deadlines.order_by("started_at", "id")),
        put_off=put_off(request),
    )


def _seats(request: RefundRequest) -> QuerySet[PanelMember]:
    rows = request.panel.filter(left_at__isnull=True).select_related("arbiter")
    return rows.prefetch_related(Prefetch("votes", Vote.objects.order_by("id"))).order_by("seat", "id")


def _transfers(request: RefundRequest) -> QuerySet[Transfer]:
    rows = Transfer.objects.filter(reference=request.number).select_related("claim__capture").order_by("id")
    return rows.annotate(by_hand=is_paid_by_hand())


def _others(request: RefundRequest) -> QuerySet[RefundRequest, Any]:
    return RefundRequest.objects.filter(buyer=request.buyer_id).exclude(pk=request.pk).order_by("-id")[:5]


def arbiters() -> QuerySet[User]:
    """Who can be seated over a case."""
    return User.objects.filter(role=Role.ARBITER, is_staff=True, is_active=True).order_by("username", "id")
