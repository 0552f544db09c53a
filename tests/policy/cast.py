"""Reads a row of a scenario table into facts.

Every time in a row is relative to NOW: `-15d`, `-15d+1s`, `+2h`. A row says only what matters to it; the
rest is a plain paid order in CNY by Alipay with one unit.

    goods, fen (total and amount), reason, remedy, amount
    currency, fx, region, waiver, identity, risk, evidence
    paid, delivered, completed, filed, created      instants; absent: it has not happened (filed: now)
    channel                                         of the one capture made at `paid`
    captures: 2 | [[channel, amount, at, claimed]]  equal captures a minute apart, or each one
    events: [revealed, redeemed@-4h, spent_promo]   of the one unit, after delivery by their place in the list
    units: [{ref, fen, refunded, replaced, delivered, events}]
    window_days, no_reason_days, conditions: {unused_within_hours: 24, not_bound_to_account: }
    terms: {small_below: 100}                       terms that differ from the defaults

What is expected: `outcome`; `by`, rule and result of the finding that settles it (none when the seller is
asked); `pays`, by default 0 when refused and else the amount asked for; `one_click`, by default false;
`needs`, the evidence still asked for.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from refunds.policy import DEFAULTS, CaptureFacts, EventFacts, Facts, Terms, UnitFacts

NOW = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
HERE = Path(__file__).parent
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ROW_KEYS = {
    "id", "goods", "fen", "reason", "remedy", "amount", "currency", "fx", "region", "waiver", "identity",
    "risk", "evidence", "paid", "delivered", "completed", "filed", "created", "channel", "captures", "events",
    "units", "window_days", "no_reason_days", "conditions", "terms",
    "outcome", "rule", "by", "pays", "one_click", "needs",
}  # fmt: skip


def table(name: str) -> list[dict[str, Any]]:
    """The rows of a file: a plain list, or groups of `rows` that share what stands under `with`."""
    read: list[dict[str, Any]] = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    rows = [{**group.get("with", {}), **row} for group in read for row in group.get("rows", [group])]
    for row in rows:
        unknown = set(row) - _ROW_KEYS
        assert not unknown, f"{name}: {row['id']} says {unknown}, which nothing reads"
    return rows


def instant(text: str | None) -> datetime | None:
    """`-15d+1s` from NOW. A part without a sign is an error, lest `-1d2h` be read two ways."""
    if text is None:
        return None
    parts = re.findall(r"([+-])(\d+)([smhd])", text)
    assert "".join("".join(part) for part in parts) == text, f"not a time: {text}"
    total = sum(
        (timedelta(**{_UNITS[unit]: int(sign + number)}) for sign, number, unit in parts), timedelta()
    )
    return NOW + total


def event(text: str, base: datetime, place: int) -> EventFacts:
    name, _, when = text.partition("@")
    promo = name == "spent_promo"
    at = instant(when) if when else base + timedelta(seconds=place)
    assert at is not None
    return EventFacts("spent" if promo else name, at, promo)


def unit(row: dict[str, Any], ref: str, fen: int, base: datetime) -> UnitFacts:
    delivered = instant(row.get("delivered"))
    events = [] if delivered is None else [EventFacts("delivered", delivered)]
    events += [event(text, delivered or base, place) for place, text in enumerate(row.get("events", []), 1)]
    return UnitFacts(
        ref=str(row.get("ref", ref)),
        amount=row.get("fen", fen),
        refunded=row.get("refunded", 0),
        replaced=row.get("replaced", False),
        events=tuple(events),
    )


def captures(row: dict[str, Any], total: int, paid: datetime | None) -> tuple[CaptureFacts, ...]:
    given = row.get("captures", 1 if paid else 0)
    channel = row.get("channel", "alipay")
    if isinstance(given, int):
        assert paid is not None or given == 0
        return tuple(CaptureFacts(channel, total, (paid or NOW) + timedelta(minutes=i)) for i in range(given))
    made = []
    for ch, amount, at, claimed in given:
        when = instant(at)
        assert when is not None
        made.append(CaptureFacts(ch, amount, when, claimed))
    return tuple(made)


def facts_of(row: dict[str, Any]) -> Facts:
    paid = instant(row.get("paid"))
    base = paid or NOW - timedelta(hours=1)
    if "units" in row:
        units = tuple(unit(u, str(i), row["fen"], base) for i, u in enumerate(row["units"], 1))
    else:
        units = (unit({k: row[k] for k in ("delivered", "events") if k in row}, "1", row["fen"], base),)
    return Facts(
        goods_type=row["goods"],
        reason=row["reason"],
        remedy=row.get("remedy", "refund"),
        currency=row.get("currency", "CNY"),
        fx_rate=Decimal(str(row["fx"])) if row.get("fx") is not None else None,
        region=row.get("region", "CN"),
        total=row["fen"],
        amount=row.get("amount", row["fen"]),
        created_at=instant(row.get("created")) or base,
        paid_at=paid,
        completed_at=instant(row.get("completed")),
        filed_at=instant(row.get("filed")) or NOW,
        consent_waiver=row.get("waiver", False),
        window_days=row.get("window_days"),
        no_reason_days=row.get("no_reason_days", 0),
        conditions=tuple((row.get("conditions") or {}).items()),
        captures=captures(row, row["fen"], paid),
        units=units,
        risk_signals=tuple(row.get("risk", ())),
        evidence=tuple(row.get("evidence", ())),
        identity_verified=row.get("identity", False),
    )


def terms_of(row: dict[str, Any]) -> Terms:
    return Terms.model_validate({**DEFAULTS[row["goods"]], **row.get("terms", {})})
