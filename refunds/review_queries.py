"""What a reviewer reads beside the facts: judgements, precedents, what the provider says, threats, what is unsaid."""

from typing import NamedTuple

from .descriptions import unsaid
from .machine import State
from .models import Flag, Judgement, ProviderCheck, RefundRequest
from .precedents import Precedent, nearest, question_of

TO_JUDGE = frozenset({State.MANUAL_REVIEW, State.ARBITRATION})


class Reviewing(NamedTuple):
    judgements: dict[int, Judgement]  # by the sequence of their transition
    precedents: list[Precedent]  # nearest first; none where nothing is to be judged
    checks: list[ProviderCheck]
    flags: list[Flag]
    unsaid: list[dict[str, str]]  # what the description lacks


def reviewing(request: RefundRequest) -> Reviewing:
    """For a request with its order and items at hand."""
    judgements = request.judgements.select_related("by").order_by("sequence")
    checks = request.provider_checks.select_related("asked_by", "written_by", "unit")
    flags = request.flags.select_related("cleared_by", "message")
    known = Reviewing(
        judgements={judgement.sequence: judgement for judgement in judgements},
        precedents=nearest(question_of(request)) if request.state in TO_JUDGE else [],
        checks=list(checks.defer("unit__sealed_secret", "unit__secret_fingerprint").order_by("id")),
        flags=list(flags.order_by("id")),
        unsaid=unsaid(request, len(request.items.all())),
    )
    return request.fit(known) if request.fit else known
