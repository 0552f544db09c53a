"""A buyer withdraws a request, any time before money is promised (requirement C6)."""

from collections.abc import Callable
from datetime import datetime

from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once

from ..machine import State
from ..models import OfferAnswer, RefundRequest
from ..permissions import BUYER
from ..transitions import apply_transition
from .locking import lock
from .offered import end, lock_order_of


def withdraw(
    *,
    buyer_id: int,
    number: str,
    key: Key,
    present: Callable[[RefundRequest], Answer],
    now: datetime,
    note: str = "",
) -> Outcome:
    """Raises NotFound, InvalidTransition, and what `once` raises."""

    def effect() -> tuple[Answer, int]:
        lock_order_of(number)
        request = lock(number, buyer_id=buyer_id)
        if request.state == State.AWAITING_BUYER:
            end([request.pk], OfferAnswer.LAPSED, now)
        apply_transition(request, "withdraw", actor=BUYER, now=now, note=note)
        answer = present(request)
        keep(key, answer, 200)
        return answer, 200

    return once(key, effect)
