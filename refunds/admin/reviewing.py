"""The part of the case page that helps to judge: precedents, the provider, threats, and what is left unsaid."""

from typing import Any

from django.utils.translation import gettext as _

from marketplace.identity.models import User
from refunds.faults import FORCES_REFUND, Fault, Outcome, shares_words
from refunds.models import Judgement
from refunds.precedents import Precedent, against
from refunds.providers import partner_name
from refunds.review_queries import Reviewing

from . import looks
from .deeds import deed_form, open_deeds
from .forms import JudgeForm


def panels(user: User, units: list[str], known: Reviewing, tried: tuple[str, Any] | None) -> dict[str, Any]:
    """Context of the panels; `units` are the case's, `tried` is a deed that was refused, with its form as typed."""
    deeds = open_deeds(user)

    def form(name: str, **initial: Any) -> Any:
        """One form for one row: what was typed stays with the flag it was typed for."""
        typed = tried[1] if tried and tried[0] == name else None
        if typed is not None and all(typed.data.get(key) == str(value) for key, value in initial.items()):
            return typed
        return deed_form(name, units, **initial)

    return {
        "precedents": [_shown(precedent) for precedent in known.precedents],
        "checks": [(check, looks.provider_badge(check)) for check in known.checks],
        "ask_form": form("ask_provider") if "ask_provider" in deeds else None,
        "answer_form": form("write_answer") if "write_answer" in deeds else None,
        "provider_name": partner_name(),
        "standing_flags": [
            (flag, form("clear_flag", flag=flag.pk) if "clear_flag" in deeds else None)
            for flag in known.flags
            if flag.cleared_at is None
        ],
        "unsaid": known.unsaid,
        "tried_deed": tried[0] if tried else "",
    }


def settle_deviation(form: Any, name: str, precedents: list[Precedent]) -> Any:
    """Ask for the reason to depart from the precedents where most of them were decided the other way."""
    if isinstance(form, JudgeForm):
        form.departs_from([each.number for each in against(precedents, for_buyer=name != "reject")])
    return form


def _shown(precedent: Precedent) -> tuple[Any, ...]:
    outcome = looks.look_badge(looks.JUDGED[precedent.outcome])
    return precedent, outcome, Fault(precedent.fault).label, round(precedent.similarity * 100), why(precedent)


def why(precedent: Precedent) -> str:
    """In one line: what the two cases have in common."""
    same = [
        _("same goods") if precedent.same_goods else _("other goods"),
        _("same reason") if precedent.same_reason else _("other reason"),
        _("findings %(share)d%% alike") % {"share": round(precedent.findings * 100)},
        _("words %(share)d%% alike") % {"share": round(precedent.words * 100)},
    ]
    return " · ".join(same)


def fault_words(judgement: Judgement) -> str:
    """Whose fault, and that the refund is forced where it is the seller's (F5)."""
    words = _("Fault: %(party)s") % {"party": Fault(judgement.fault).label}
    if judgement.shares:
        words = _("Fault: %(party)s") % {"party": shares_words(judgement.shares)}
    is_forced = judgement.fault in FORCES_REFUND and judgement.outcome != Outcome.REJECT
    forced = _("Forced refund")
    return f"{words} · {forced}" if is_forced else words
