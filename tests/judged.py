"""Cases decided by people, for tests: by the real operations, a few words each."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from marketplace.identity.models import User
from refunds.models import Flag, RefundRequest
from refunds.operations import review
from refunds.operations.decide import precheck
from refunds.operations.extend import extend
from refunds.operations.flag import clear_flag
from refunds.operations.hold import claim
from refunds.operations.outage import apply_outages, declare_outage, end_outage
from refunds.operations.provider_check import write_answer
from refunds.operations.say import say_as_seller

from .cases import bring, file, make_request
from .factories import make_order
from .people import Cast


def to_judge(
    cast: Cast, description: str = "", *, reason: str = "invalid_code", **order: Any
) -> RefundRequest:
    """A case with a reviewer, checked by the policy before."""
    order = {"total": 9900, "events": [("delivered", timedelta(hours=-3))], **order}
    made = make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, **order)
    request = file(made, reason=reason, description=description)
    precheck(request.pk, timezone.now())
    request.refresh_from_db()
    return bring(request, "manual_review", cast)


def approve(request: RefundRequest, user: User, *, fault: str = "seller", **ruling: Any) -> RefundRequest:
    said = {"amount": None, "note": "Checked.", "now": timezone.now(), **ruling}
    return review.approve_request(number=request.number, user=user, fault=fault, **said)


def reject(request: RefundRequest, user: User, *, fault: str = "buyer", **ruling: Any) -> RefundRequest:
    said = {"clause": "B3", "note": "Checked.", "now": timezone.now(), **ruling}
    return review.reject(number=request.number, user=user, fault=fault, **said)


def letter(request: RefundRequest, user: User, **answer: Any) -> Any:
    """The provider's answer as a person writes it down."""
    said = {
        "unit": "1",
        "provider": "Recharge Co.",
        "answer": "not_credited",
        "words": "We have no credit under this card.",
        "now": timezone.now(),
        **answer,
    }
    return write_answer(number=request.number, user=user, **said)


def leave_history(cast: Cast, request: RefundRequest) -> None:
    """A case in hand and a judgement, an answered provider check and a cleared flag, beside `request` and in it."""
    case = make_request(cast, state="manual_review")
    reject(claim(number=case.number, user=cast.reviewer, now=timezone.now()), cast.reviewer)
    letter(request, cast.reviewer)
    say_as_seller(number=request.number, user=cast.seller_user, text="I will sue you.", now=timezone.now())
    later = (request.due_at or timezone.now()) + timedelta(hours=1)
    extend(number=request.number, user=cast.supervisor, until=later, note="Needed.", now=timezone.now())
    leave_an_outage(cast, timezone.now())
    flag = Flag.objects.get(request=request)
    clear_flag(number=request.number, user=cast.supervisor, flag_id=flag.pk, note="Read.", now=timezone.now())


def leave_an_outage(cast: Cast, now: datetime) -> None:
    """One that is over, and given back to the clocks that ran in it."""
    begun = now - timedelta(minutes=5)
    outage = declare_outage(user=cast.supervisor, started_at=begun, note="Power cut.", now=now)
    end_outage(outage_id=outage.pk, user=cast.supervisor, ended_at=now, now=now)
    apply_outages(now)
