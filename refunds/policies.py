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
        rows = PolicyVersion.objects.filter(goods_type=goods_type).order_by("in_force_at", "version")
        policies = [
            Policy(row.pk, f"{goods_type}@{row.version}", row.in_force_at, Terms.model_validate(row.terms))
            for row in rows
        ]
        _loaded[goods_type] = (time.monotonic(), policies)
    return policies


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
