"""The policy's tables once more, over the real API: pushed by a signed shop, filed by the buyer, pre-checked.

Rows that need what no order can bring (other terms, earlier refunds, evidence) are judged in tests/policy alone.
"""

from typing import Any

import pytest
import time_machine
from django.utils import timezone

from marketplace.identity.models import Buyer
from marketplace.orders.models import Order
from marketplace.risk.models import Signal
from refunds.models import RefundRequest
from refunds.operations.decide import precheck
from tests.people import Api, Cast
from tests.policy.cast import NOW, facts_of, table

BEYOND_AN_ORDER = {"terms", "evidence"}
NAMES = ("scenarios.yaml", "cases_time.yaml", "cases_use.yaml", "cases_money.yaml", "cases_rights.yaml")


def can_be_pushed(row: dict[str, Any]) -> bool:
    facts = facts_of(row)
    return (
        not BEYOND_AN_ORDER & set(row)
        and facts.total > 0
        and facts.amount > 0
        and bool(facts.units)
        and not any(unit.refunded or unit.replaced or unit.amount * len(facts.units) != facts.total for unit in facts.units)
        and not any(capture.claimed for capture in facts.captures)
        and (facts.window_days is None or 7 <= facts.window_days <= 15)
        and {code for code, _value in facts.conditions} <= {"unused_within_hours", "not_bound_to_account"}
        and all(isinstance(value, int) for code, value in facts.conditions if code == "unused_within_hours")
        and all(event.at <= NOW for unit in facts.units for event in unit.events)
        and (facts.completed_at is None or facts.created_at <= facts.completed_at <= NOW)
        and all(capture.channel != "unheard_of" for capture in facts.captures)
        and (facts.paid_at is None or facts.paid_at <= NOW)
        and len(facts.region) == 2 and facts.region.isupper()
        and (facts.fx_rate is None or (facts.fx_rate > 0 and facts.currency != "CNY"))
        and not ("filed" in row and facts.reason == "not_delivered")  # refused at the door, so never judged later
        and all(capture.captured_at <= NOW for capture in facts.captures)
    )  # fmt: skip


ROWS = [row for name in NAMES for row in table(name) if can_be_pushed(row)]


def body_of(row: dict[str, Any]) -> dict[str, Any]:
    """The row as the ingestion call has it."""
    facts = facts_of(row)
    money = {"amount": facts.total, "currency": facts.currency}
    return {
        "external_no": row["id"],
        "seller": "S-0001",
        "buyer": {"external_id": "u-77", "region": facts.region},
        "product": {
            "sku": "sku",
            "title": "Goods",
            "goods_type": facts.goods_type,
            "page_text": "As shown.",
            "terms": {
                "window_days": facts.window_days,
                "no_reason_days": facts.no_reason_days,
                "conditions": [
                    {"code": code} if value is None else {"code": code, "value": value}
                    for code, value in facts.conditions
                ],
            },
        },
        "quantity": len(facts.units),
        "total": money,
        "fx_rate": str(facts.fx_rate) if facts.fx_rate is not None else None,
        "consent": _consent(facts.created_at.isoformat()) if facts.consent_waiver else None,
        "payments": [
            {
                "channel": capture.channel,
                "channel_no": f"{row['id']}-{index}",
                "amount": {"amount": capture.amount, "currency": facts.currency},
                "captured_at": capture.captured_at.isoformat(),
            }
            for index, capture in enumerate(facts.captures)
        ],
        "created_at": facts.created_at.isoformat(),
        "paid_at": facts.paid_at.isoformat() if facts.paid_at else None,
        "completed_at": facts.completed_at.isoformat() if facts.completed_at else None,
        "units": [
            {
                "ref": unit.ref,
                "events": [
                    {
                        "type": event.type,
                        "at": event.at.isoformat(),
                        "ref": f"evt-{index}",
                        "data": {"promo": True} if event.promo else {},
                    }
                    for index, event in enumerate(unit.events)
                ],
            }
            for unit in facts.units
        ],
    }


def _consent(at: str) -> dict[str, Any]:
    return {"immediate_delivery": True, "acknowledged": True, "text": "I agree.", "at": at}


def push_and_file(api: Api, cast: Cast, row: dict[str, Any]) -> Any:
    pushed = api.push(cast.shop, "/api/v1/ingest/orders/", body_of(row))
    assert pushed.status_code == 201, pushed.json()
    order, facts = Order.objects.get(), facts_of(row)
    buyer = order.buyer
    Buyer.objects.filter(pk=buyer.pk).update(identity_verified_at=NOW if facts.identity_verified else None)
    for _kind in facts.risk_signals:
        Signal.objects.create(buyer=buyer, kind=Signal.Kind.OTHER, note="a doubt")
    body: dict[str, Any] = {"order": order.no, "reason": facts.reason, "remedy": facts.remedy}
    if facts.amount != facts.total:
        body["amount"] = {"amount": facts.amount, "currency": facts.currency}
    return api.sign_in(buyer).post("/api/v1/refund-requests/", body)


def test_most_of_the_tables_run_over_the_api() -> None:
    assert len(ROWS) >= 200


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_scenario_over_the_api(api: Api, cast: Cast, row: dict[str, Any]) -> None:
    with time_machine.travel(facts_of(row).filed_at, tick=False):
        filed = push_and_file(api, cast, row)
    if filed.status_code == 422:
        assert filed.json()["outcome"] == row["outcome"]
        rule = (row.get("by") or f"{row.get('rule')} unmet").split()
        assert any([f["rule"], f["result"]] == rule for f in filed.json()["findings"])
        assert not RefundRequest.objects.exists()
        return
    assert filed.status_code == 201, filed.json()
    with time_machine.travel(NOW, tick=False):
        request = RefundRequest.objects.get()
        precheck(request.pk, timezone.now())
        reader = api.sign_in(request.buyer)
        seen = reader.get(f"/api/v1/refund-requests/{request.number}/").json()
    decision = seen["decision"]
    assert decision["outcome"] == row["outcome"]
    state = {
        "approve": "approved",
        "reject": "rejected",
        "ask_seller": "awaiting_seller",
        "review": "manual_review",
    }
    assert seen["state"] == state[row["outcome"]]
    if row.get("by") or row.get("rule"):
        rule, _, result = (row.get("by") or f"{row['rule']} unmet").partition(" ")
        assert any((f["rule"], f["result"]) == (rule, result) for f in decision["findings"])
    if row["outcome"] == "approve":
        pays = row.get("pays", row["amount"] if row in table("scenarios.yaml") and "amount" in row else None)
        assert seen["approved_amount"]["amount"] == (pays or decision["amount"]["amount"])
