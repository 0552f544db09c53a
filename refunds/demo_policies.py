"""Rules of the demo: a version that comes into force soon, and a draft that waits for its second person."""

from datetime import datetime, timedelta
from typing import Any

from marketplace.identity.models import User

from .models import PolicyDraft
from .operations.backtest import start_backtest
from .operations.draft_policy import draft_policy
from .operations.edit_draft import edit_draft
from .operations.publish_draft import publish_draft
from .operations.run_backtests import run_backtests
from .operations.submit_draft import submit_draft
from .policy.term_table import put


def load(editor: User, supervisor: User, now: datetime) -> None:
    coming = _submitted(
        "live_coins", {"clocks.seller_reply_hours": 12, "small_below": 8_000}, editor, now,
        "卖家答复时限缩短", "直播金币的争议大多在半天内就能查清，缩短时限让买家更早得到结果。",
    )  # fmt: skip
    _try(coming, editor, now)
    publish_draft(
        draft_id=coming.pk,
        user=supervisor,
        seen_at=coming.submitted_at,
        now=now,
        override_note="试点结果良好。",
    )
    waiting = _submitted(
        "card_code", {"small_below": 10_000, "clocks.evidence_hours": 72}, editor, now,
        "一键退款提高到 100 元", "低于 100 元的未使用卡密，人工审核的成本高于退款本身。",
    )  # fmt: skip
    _try(waiting, editor, now)


def _submitted(
    goods_type: str, changed: dict[str, Any], editor: User, now: datetime, title: str, why: str
) -> PolicyDraft:
    draft = draft_policy(goods_type=goods_type, user=editor, now=now - timedelta(hours=3))
    for path, value in changed.items():
        put(draft.terms, path, value)
    edit_draft(
        draft_id=draft.pk,
        user=editor,
        terms=draft.terms,
        title=title,
        why=why,
        in_force_at=draft.in_force_at,
        seen_at=draft.changed_at,
        now=now - timedelta(hours=2),
    )
    return submit_draft(draft_id=draft.pk, user=editor, now=now - timedelta(hours=1))


def _try(draft: PolicyDraft, editor: User, now: datetime) -> None:
    """On all the demo has decided."""
    start_backtest(
        draft_id=draft.pk,
        user=editor,
        since=now - timedelta(days=90),
        until=now + timedelta(days=1),
        sample=None,
        seed=1,
        now=now,
    )
    run_backtests(lambda: now)
