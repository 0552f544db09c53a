"""Finding the one request a person works on, locked, or a refusal that gives nothing away."""

from datetime import datetime

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound

from .. import clocks
from ..clocks import Due
from ..models import RefundRequest
from ..permissions import Actor, reaches, seller_of, staff
from ..policies import in_force


def lock(number: str, **scope: object) -> RefundRequest:
    """The request, locked until commit. Raises NotFound."""
    request = (
        RefundRequest.objects.select_for_update(of=("self",))
        .select_related("order")
        .filter(number=number, **scope)
        .first()
    )
    if request is None:
        raise NotFound()
    return request


def lock_alone(where: str, value: object, *, wait: str = "") -> RefundRequest | None:
    """For the machine's own steps: the row and its `goods_type`, locked. `where` is code about r, not input."""
    rows = RefundRequest.objects.raw(
        "SELECT r.*, o.goods_type FROM refunds_refundrequest r JOIN orders_order o ON o.id = r.order_id"
        f" WHERE {where} FOR UPDATE OF r {wait}",
        [value],
    )
    return next(iter(rows), None)


def lock_for_staff(number: str, user: User) -> tuple[RefundRequest, Actor]:
    """Raises NotPermitted (role without cases), NotFound, also for an arbiter who has no seat in the case."""
    actor = staff(user)
    request = lock(number)
    if not reaches(user, request.pk):
        raise NotFound()
    return request, actor


def lock_for_seller(number: str, user: User) -> tuple[RefundRequest, Actor]:
    """Raises NotFound, also for another seller's case."""
    request = lock(number)
    return request, seller_of(user, request)


def clock_after(event: str, request: RefundRequest, now: datetime) -> Due:
    """The clock `event` starts, by the terms in force when the request was filed: later ones shorten none (E7)."""
    terms = in_force(request.order.goods_type, request.filed_at).terms.clocks
    return clocks.after(event, terms, request.reason, now)
