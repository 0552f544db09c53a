"""A buyer asks for a person instead of the machine's refusal (requirement J2; PIPL art. 24)."""

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once

from ..models import RefundRequest, Transition
from ..permissions import BUYER
from ..transitions import apply_transition
from .locking import clock_after, lock


class DecidedByAPerson(Refusal):
    code = "decided_by_a_person"
    title = _("A person has judged this request already.")


def request_person(
    *, buyer_id: int, number: str, key: Key, present: Callable[[RefundRequest], Answer], now: datetime
) -> Outcome:
    """Take the machine's rejection to a reviewer. Raises NotFound, InvalidTransition, DecidedByAPerson, as `once`."""

    def effect() -> tuple[Answer, int]:
        request = lock(number, buyer_id=buyer_id)
        last = Transition.objects.filter(request=request, sequence=request.sequence).get()
        if last.event in ("reject", "rule_for_seller"):
            raise DecidedByAPerson()
        due = clock_after("request_person", request, now)
        apply_transition(request, "request_person", actor=BUYER, now=now, due=due)
        answer = present(request)
        keep(key, answer, 200)
        return answer, 200

    return once(key, effect)
