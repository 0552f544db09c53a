"""The terms in force. Published versions never change, so each process keeps them and asks for new ones rarely."""

import time
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.money import EXPONENTS

from .models import PolicyVersion
from .policy import Decision, Facts, Terms, decide, kinder

REFRESH_SECONDS = 30.0


class Policy(NamedTuple):
    id: int
    ref: str  # "card_code@1"
    in_force_at: datetime
    terms: Terms
    title: str  # of the first version none was given
    why: str


class NoPolicy(Refusal):
    code = "no_policy"
    status = 503
    title = _("No policy is in force for these goods.")


class Verdict(NamedTuple):
    decision: Decision
    policy: Policy


_loaded: dict[str, tuple[float, list[Policy]]] = {}


def versions(goods_type: str) -> list[Policy]:
    """All published versions, oldest first; at most REFRESH_SECONDS behind the table."""
    at, policies = _loaded.get(goods_type, (0.0, []))
    if not policies or time.monotonic() - at > REFRESH_SECONDS:
        rows = PolicyVersion.objects.filter(goods_type=goods_type).select_related("draft")
        policies = [_policy(row) for row in rows.order_by("in_force_at", "version")]
        _loaded[goods_type] = (time.monotonic(), policies)
    return policies


def _policy(row: PolicyVersion) -> Policy:
    draft = getattr(row, "draft", None)
    title, why = (draft.title, draft.why) if draft else ("", "")
    return Policy(row.pk, str(row), row.in_force_at, Terms.model_validate(row.terms), title, why)


def forget() -> None:
    """Ask the table again; other processes do within REFRESH_SECONDS."""
    _loaded.clear()


def in_force(goods_type: str, at: datetime) -> Policy:
    """Raises NoPolicy."""
    for policy in reversed(versions(goods_type)):
        if policy.in_force_at <= at:
            return policy
    raise NoPolicy()


def judge(facts: Facts, now: datetime) -> Verdict:
    """Decide by the version in force at purchase, unless today's is kinder to the buyer (requirement J5)."""
    then = in_force(facts.goods_type, facts.paid_at or facts.created_at)
    today = in_force(facts.goods_type, now)
    verdict = Verdict(decide(facts, then.terms, now), then)
    if today.id == then.id:
        return verdict
    newer = Verdict(decide(facts, today.terms, now), today)
    return newer if kinder(verdict.decision, newer.decision) is newer.decision else verdict


def two_person_limit(facts: Facts, terms: Terms) -> int:
    """The limit of F7 in the order's minor units; without a rate every amount needs two persons."""
    if facts.currency == "CNY":
        return terms.two_person_above
    if not facts.fx_rate:
        return 0
    yuan = Decimal(terms.two_person_above).scaleb(-EXPONENTS["CNY"])
    return int((yuan / facts.fx_rate).scaleb(EXPONENTS[facts.currency]))
