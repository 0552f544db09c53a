"""A buyer withdraws a request, any time before money is promised (requirement C6)."""

from collections.abc import Callable
from datetime import datetime

from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once

from ..models import RefundRequest
from ..permissions import BUYER
from ..transitions import apply_transition
from .locking import lock


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
        request = lock(number, buyer_id=buyer_id)
        apply_transition(request, "withdraw", actor=BUYER, now=now, note=note)
        answer = present(request)
        keep(key, answer, 200)
        return answer, 200

    return once(key, effect)
