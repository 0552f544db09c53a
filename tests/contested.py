"""Cases that are contested or ruled, for tests: by the real operations, a few words each."""

from typing import Any

from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.idempotency import Key
from refunds.models import Appeal, PanelMember, RefundRequest
from refunds.operations import decide_appeal, panel
from refunds.operations.appeal import appeal_as_buyer, appeal_as_seller
from refunds.operations.ask_evidence import ask_evidence
from refunds.operations.vote import vote

from .cases import make_request, work
from .factories import StaffFactory
from .judged import approve, reject
from .people import Cast

GROUNDS = {"clauses": ["B6", "A3"], "text": "The log shows no use."}


def rejected(cast: Cast, **order: Any) -> RefundRequest:
    """By a reviewer."""
    request = make_request(cast, state="manual_review", **order)
    reject(request, cast.reviewer)
    return RefundRequest.objects.get(pk=request.pk)


def refunded(cast: Cast, **order: Any) -> RefundRequest:
    """Approved by a reviewer, or two above the limit, and paid back."""
    request = make_request(cast, state="manual_review", **order)
    approve(request, cast.reviewer, fault="platform")
    if request.amount > request.two_person_above:
        approve(request, cast.second_reviewer, fault="platform")
    work()
    return RefundRequest.objects.get(pk=request.pk)


def buyer_appeals(request: RefundRequest, *, key: str = "appeal", now: Any = None, **said: Any) -> Appeal:
    appeal_as_buyer(
        buyer_id=request.buyer_id,
        number=request.number,
        key=Key(f"buyer:{request.buyer_id}:appeal", f"{key}-{request.number}", b"0" * 32),
        present=lambda row: {"number": row.number},
        now=now or timezone.now(),
        **{**GROUNDS, **said},
    )
    return Appeal.objects.get(request=request, party="buyer")


def seller_appeals(request: RefundRequest, user: User, *, now: Any = None, **said: Any) -> Appeal:
    return appeal_as_seller(
        number=request.number, user=user, now=now or timezone.now(), **{**GROUNDS, **said}
    )


def arbiter() -> User:
    user: User = StaffFactory.create(role=Role.ARBITER)
    return user


def seat(cast: Cast, request: RefundRequest, *people: User) -> list[PanelMember]:
    now = timezone.now()
    return [
        panel.appoint(number=request.number, user=cast.supervisor, arbiter_id=person.pk, now=now)
        for person in people
    ]


def cast_vote(request: RefundRequest, user: User, amount: int, **said: Any) -> RefundRequest:
    said = {
        "note": "By the log.",
        "fault": "platform" if amount else "buyer",
        "clause": "" if amount else "B3",
        "now": timezone.now(),
        **said,
    }
    return vote(number=request.number, user=user, amount=amount, **said)


def leave_contest(cast: Cast) -> None:
    """A decided appeal, an answered demand for evidence, and a panel one of whom voted and left."""
    now = timezone.now()
    contested = rejected(cast)
    buyer_appeals(contested)
    decide_appeal.dismiss(number=contested.number, user=cast.supervisor, note="No.", now=now)
    asked = make_request(cast, state="manual_review")
    ask_evidence(number=asked.number, user=cast.reviewer, note="The log.", now=now, of="seller")
    ruled = make_request(cast, state="arbitration")
    people = [arbiter(), arbiter()]
    members = seat(cast, ruled, *people)
    cast_vote(ruled, people[0], 0)
    panel.remove(number=ruled.number, user=cast.supervisor, member_id=members[0].pk, now=now)
