"""Facts of every shape, near the boundaries on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from refunds.policy import (
    CHANNELS,
    DEFAULTS,
    EVIDENCE_KINDS,
    REASONS,
    CaptureFacts,
    EventFacts,
    Facts,
    Terms,
    UnitFacts,
)

from .cast import NOW

TERMS = {code: Terms.model_validate(data) for code, data in DEFAULTS.items()}
USE_EVENTS = ("activated", "redeemed", "gifted", "spent", "logged_in")
EVENTS = (*USE_EVENTS, "delivered", "revealed", "stocked", "reserved", "expired", "voided", "replaced")

_SPANS = (0, 60, 900, 1800, 7200, 14400, 86400, 172800, 604800, 1209600, 1296000, 1728000)
_AMOUNTS = (0, 1, 900, 4900, 4999, 5000, 9900, 199_999, 200_000, 200_001, 500_000)


def instants() -> st.SearchStrategy[datetime]:
    return st.builds(
        lambda span, off: NOW - timedelta(seconds=span + off), st.sampled_from(_SPANS), st.integers(-1, 1)
    )


events = st.builds(EventFacts, type=st.sampled_from(EVENTS), at=instants(), promo=st.booleans())
amounts = st.sampled_from(_AMOUNTS) | st.integers(0, 300_000)


@st.composite
def units(draw: st.DrawFn, ref: str) -> UnitFacts:
    fen = draw(amounts)
    happened = draw(st.lists(events, max_size=3))
    if draw(st.booleans()):
        happened.append(EventFacts("delivered", draw(instants())))
    refunded = draw(st.sampled_from((0, 0, 0, fen // 2, fen)))
    return UnitFacts(ref, fen, refunded, draw(st.sampled_from((False, False, False, True))), tuple(happened))


@st.composite
def captures(draw: st.DrawFn, total: int) -> CaptureFacts:
    fen = draw(st.sampled_from((total, total, total // 2)) | amounts)
    claimed = draw(st.sampled_from((0, 0, fen // 3, fen)))
    return CaptureFacts(draw(st.sampled_from(sorted(CHANNELS))), fen, draw(instants()), claimed)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    own = tuple(draw(units(str(i))) for i in range(draw(st.sampled_from((1, 1, 1, 2, 3, 0)))))
    total = sum(unit.amount for unit in own)
    paid = tuple(draw(captures(total)) for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3, 0)))))
    never = st.none()
    return Facts(
        goods_type=draw(st.sampled_from(sorted(DEFAULTS))),
        reason=draw(st.sampled_from(sorted(REASONS))),
        remedy=draw(st.sampled_from(("refund", "refund", "refund", "replacement"))),
        currency=draw(st.sampled_from(("CNY", "CNY", "CNY", "USD", "JPY", "KWD"))),
        fx_rate=draw(never | st.sampled_from((Decimal("7.1"), Decimal("0.05"), Decimal("23.4")))),
        region=draw(st.sampled_from(("CN", "CN", "DE", "NO", "US", ""))),
        total=total,
        amount=draw(st.sampled_from((total, total, total // 2)) | amounts),
        created_at=draw(instants()),
        paid_at=draw(never | instants()),
        completed_at=draw(never | instants()),
        filed_at=draw(st.sampled_from((NOW, NOW, NOW - timedelta(days=1)))),
        consent_waiver=draw(st.booleans()),
        window_days=draw(never | st.integers(0, 40)),
        no_reason_days=draw(st.sampled_from((0, 0, 7, 14))),
        conditions=draw(
            st.sampled_from(((), (), (("unused_within_hours", 24),), (("not_bound_to_account", None),)))
        ),
        captures=paid,
        units=own,
        risk_signals=draw(st.sampled_from(((), (), (), ("velocity",)))),
        evidence=tuple(draw(st.lists(st.sampled_from(sorted(EVIDENCE_KINDS)), max_size=3, unique=True))),
        identity_verified=draw(st.booleans()),
    )
