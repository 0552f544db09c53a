"""Version 1 of the terms, by goods type. The only place where the requirements' numbers are written down
(B11).

Staff change them by publishing a later version; nothing here is read once that version is in force.
"""

from __future__ import annotations

from typing import Any

from .goods import GOODS_TYPES

EU_COUNTRIES = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
# The directive on consumer rights also binds the EEA states that are not in the EU.
WITHDRAWAL_REGIONS = ("EU", *EU_COUNTRIES, "IS", "LI", "NO")

_CLOCKS: dict[str, int] = {
    "precheck_seconds": 60,  # E2 allows 1-2 working hours; people see seconds
    "seller_reply_hours": 24,  # E3
    "buyer_reply_hours": 48,
    "promise_max_days": 7,  # F2: a promise needs a date
    "evidence_hours": 48,
    "first_reply_working_hours": 8,  # E4
    "first_reply_off_hours": 24,  # E4
    "review_working_days": 3,  # E5, as are the seven below
    "complaint_verdict_hours": 48,
    "double_charge_hours": 48,
    "technical_fault_days": 7,
    "theft_days": 14,
    "complex_days": 14,
    "mass_fault_days": 30,
    "arbitration_working_days": 7,
    "appeal_days": 7,  # F8: to appeal in, and for a supervisor to decide
    "appeal_working_days": 3,
    "progress_notice_hours": 48,  # E8: every 48-72 h
    "payout_wallet_days": 1,  # E10
    "payout_card_working_days": 7,  # E10
    "peak_min_percent": 150,  # E6
    "peak_max_percent": 200,
}

# What an ordinary user can obtain; the order, the payment and the reveal log the platform adds itself (D5).
_EVIDENCE: dict[str, list[str]] = {
    "wrong_recharge": ["provider_statement"],
    "not_delivered": ["error_screen"],
    "short_delivered": ["error_screen"],
    "not_activated": ["unactivated_state"],
    "no_fault": ["unactivated_state"],
    "platform_fault": ["error_screen"],
    "invalid_code": ["error_screen"],
    "not_as_described": ["promise_page", "error_screen"],
    "duplicate_charge": ["bank_statement"],
    "unauthorized_purchase": ["login_alert", "identity"],
    "seller_unreachable": ["chat_record"],
    "seller_fraud": ["chat_record", "payment_proof"],
    "other": [],
}

_COMMON: dict[str, Any] = {
    "window_days": 15,  # B6
    "window_min_days": 7,
    "window_max_days": 15,
    "window_hours_from_payment": None,
    "waits": {"wallet_minutes": 15, "card_minutes": 30, "bank_minutes": 240},  # B7
    "credited_on_delivery": False,
    "small_below": 5_000,  # B8: 50 CNY
    "machine_limit": 200_000,  # B8: 2000 CNY
    "two_person_above": 200_000,  # F7
    "withdrawal": {"regions": list(WITHDRAWAL_REGIONS), "days": 14},  # B10
    "promo": None,
    "escrow_hold_days": 3,  # G4; the 72 hours in which key markets let a buyer object
    "commission_bps": 0,  # each marketplace sets its own
    "chargeback_fee": {"amount": 1_500, "currency": "USD", "borne_by": "seller"},  # G8: 15-25 USD
    "clocks": _CLOCKS,
}

# Where the provider knows whether it was credited, its word is what settles the case (F6).
_PROVIDER = {"not_delivered": ["provider_statement"], "short_delivered": ["provider_statement"]}

_SPECIAL: dict[str, dict[str, Any]] = {
    "direct_topup": {"credited_on_delivery": True, "evidence": _PROVIDER},
    "point_coupon": {"evidence": _PROVIDER},
    "live_coins": {
        "window_hours_from_payment": 48,  # B6
        "promo": {"expires_min_days": 30, "expires_max_days": 90},  # B3
        "evidence": _PROVIDER,
    },
}


def _terms(goods_type: str) -> dict[str, Any]:
    special = dict(_SPECIAL.get(goods_type, {}))
    evidence = {**_EVIDENCE, **special.pop("evidence", {})}
    return {
        "goods_type": goods_type,
        **_COMMON,
        "waits": dict(_COMMON["waits"]),
        "withdrawal": {**_COMMON["withdrawal"], "regions": list(WITHDRAWAL_REGIONS)},
        "clocks": dict(_CLOCKS),
        "evidence": {reason: list(kinds) for reason, kinds in evidence.items()},
        **special,
    }


DEFAULTS: dict[str, dict[str, Any]] = {code: _terms(code) for code in GOODS_TYPES}
