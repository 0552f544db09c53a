"""Closed cases with a known answer, and trials of them, for tests: by the real operations, a few words each."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from marketplace.identity.models import User
from refunds.models import KnownAnswer, RefundRequest, Trial, TrialAnswer
from refunds.operations import draw_trial
from refunds.operations.answer_trial import answer_trial
from refunds.operations.mark_known import mark_known

from .cases import make_request
from .contested import rejected
from .people import Cast

AFTER_APPEALS = timedelta(days=30)
ALWAYS = {"among": Q(), "chance": lambda: 0.0}


def mark(request: RefundRequest, user: User, **said: Any) -> KnownAnswer:
    said = {
        "outcome": "reject",
        "fault": "buyer",
        "why": "B3: the log shows its use.",
        "now": timezone.now() + AFTER_APPEALS,
        **said,
    }
    return mark_known(number=request.number, user=user, **said)


def known(cast: Cast, **said: Any) -> KnownAnswer:
    """Of a case the first reviewer rejected."""
    return mark(rejected(cast, decided=True), cast.supervisor, **said)


def draw(
    user: User, monkeypatch: Any, *, now: datetime | None = None, apart: int = 0, **how: Any
) -> Trial | None:
    """As if `apart` cases lay between two trials."""
    monkeypatch.setattr(draw_trial, "APART", apart)
    how = {**ALWAYS, "now": now or timezone.now(), **how}
    number = draw_trial.trial_instead(user=user, **how)
    return Trial.objects.get(number=number) if number else None


def trial(cast: Cast, monkeypatch: Any, **said: Any) -> Trial:
    """Of the second reviewer, who had no hand in it, while another case waits."""
    known(cast, **said)
    make_request(cast, state="manual_review")
    drawn = draw(cast.second_reviewer, monkeypatch)
    assert drawn is not None
    return drawn


def answer(of: Trial, **said: Any) -> TrialAnswer:
    said = {"amount": 0, "note": "Used.", "fault": "buyer", "clause": "B3", "now": timezone.now(), **said}
    return answer_trial(number=of.number, user=of.user, **said)


def every_row() -> dict[str, Any]:
    """Of every table, how many rows and what they say."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in tables:
            cursor.execute(
                f'SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{name}" t'
            )
            found[name] = cursor.fetchone()
        return found
