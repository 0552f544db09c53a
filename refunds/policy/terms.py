"""The terms of a policy version: every number a rule or a clock uses, validated once when the version is
written.

Money is in CNY fen. A term nobody reads, or a name with a typing error, is refused rather than ignored.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from .evidence import EVIDENCE_KINDS
from .goods import GOODS_TYPES, WaitClass
from .reasons import REASONS

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]


# Where terms must fit each other, the last of them is asked, which knows those before it in `info.data`: so these errors
# are found beside all others, and not only once every single term is right. The context names the term to mend.
def _not_below(at: str, most: int, info: ValidationInfo) -> int:
    least = info.data.get(at, most)
    if least > most:
        raise PydanticCustomError(
            "range_reversed", "{at} is above its upper bound", {"at": at, "least": least, "most": most}
        )
    return most


class _Frozen(BaseModel):
    # Strict types: in JSON terms, "15" or 15.5 days is a slip of the editor, not a number to be coerced.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Waits(_Frozen):
    """Minutes after payment before non-arrival may be claimed, by class of channel (B7)."""

    wallet_minutes: NotNegative
    card_minutes: NotNegative
    bank_minutes: NotNegative

    def of(self, kind: WaitClass) -> timedelta:
        minutes = {"wallet": self.wallet_minutes, "card": self.card_minutes, "bank": self.bank_minutes}
        return timedelta(minutes=minutes[kind])


class Withdrawal(_Frozen):
    """Regions (ISO 3166 codes, and EU) whose law grants withdrawal, and its days from payment (B10)."""

    regions: Annotated[frozenset[str], Field(strict=False)]
    days: NotNegative

    @field_validator("regions")
    @classmethod
    def _codes(cls, regions: frozenset[str]) -> frozenset[str]:
        wrong = sorted(r for r in regions if not (len(r) == 2 and r.isalpha() and r.isupper()))
        if wrong:
            raise PydanticCustomError(
                "regions_codes",
                "regions are two capital letters each; wrong: {wrong}",
                {"wrong": ", ".join(wrong)},
            )
        return regions


class Promo(_Frozen):
    """Bonus coins: any consumption forfeits the refund; a grant expires within this range of days (B3)."""

    expires_min_days: Positive
    expires_max_days: Positive

    @field_validator("expires_max_days")
    @classmethod
    def _range(cls, most: int, info: ValidationInfo) -> int:
        return _not_below("expires_min_days", most, info)


class Clocks(_Frozen):
    """How long each step may take (E, F8). `_working_` means business time in Asia/Shanghai, else clock
    time."""

    precheck_seconds: Positive
    seller_reply_hours: Positive
    buyer_reply_hours: Positive
    promise_max_days: Positive = 7  # versions published before this term was known have it so
    evidence_hours: Positive
    first_reply_working_hours: Positive
    first_reply_off_hours: Positive
    review_working_days: Positive
    complaint_verdict_hours: Positive
    double_charge_hours: Positive
    technical_fault_days: Positive
    theft_days: Positive
    complex_days: Positive
    mass_fault_days: Positive
    arbitration_working_days: Positive
    appeal_days: Positive = 7  # as these two are for versions published before there were appeals
    appeal_working_days: Positive = 3
    progress_notice_hours: Positive
    payout_wallet_days: Positive
    payout_card_working_days: Positive
    peak_min_percent: Annotated[int, Field(ge=100)]
    peak_max_percent: Annotated[int, Field(ge=100)]

    @field_validator("peak_max_percent")
    @classmethod
    def _peak(cls, most: int, info: ValidationInfo) -> int:
        return _not_below("peak_min_percent", most, info)


class ChargebackFee(_Frozen):
    """What the channel takes for a chargeback it decides for the buyer, in minor units, and who bears it (G8)."""

    amount: NotNegative
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    borne_by: Literal["seller", "platform"]


class Terms(_Frozen):
    """One goods type's terms in one policy version (A1, B, D2, E, F7).

    `window_days` after completion, replaced by what the product page said, held between the two bounds
    (B6). `window_hours_from_payment` replaces days altogether where set (coins). `credited_on_delivery`:
    once delivered the goods are on the buyer's number and their use cannot be seen (top-ups). Amounts in
    CNY fen: strictly less than `small_below` may be one-click (B8); the machine approves up to and
    including `machine_limit`; two persons sign above `two_person_above` (F7). `escrow_hold_days` after
    completion the seller has earned the money, less `commission_bps` hundredths of a percent (G4).
    """

    goods_type: str
    window_days: Positive
    window_min_days: Positive
    window_max_days: Positive
    window_hours_from_payment: Positive | None
    waits: Waits
    credited_on_delivery: bool
    small_below: NotNegative
    machine_limit: NotNegative
    two_person_above: NotNegative
    withdrawal: Withdrawal
    promo: Promo | None
    escrow_hold_days: NotNegative
    commission_bps: Annotated[int, Field(ge=0, le=10_000)]
    chargeback_fee: ChargebackFee
    evidence: dict[str, Annotated[tuple[str, ...], Field(strict=False)]]
    clocks: Clocks

    @field_validator("goods_type")
    @classmethod
    def _known_goods(cls, code: str) -> str:
        if code not in GOODS_TYPES:
            raise ValueError(f"unknown goods type {code!r}; one of {', '.join(GOODS_TYPES)}")
        return code

    @field_validator("evidence")
    @classmethod
    def _known_evidence(cls, needed: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for reason, kinds in needed.items():
            if reason not in REASONS:
                raise ValueError(f"evidence names an unknown reason {reason!r}")
            unknown = [kind for kind in kinds if kind not in EVIDENCE_KINDS]
            if unknown:
                raise ValueError(f"evidence for {reason} names unknown kinds: {', '.join(unknown)}")
        missing = [reason for reason in REASONS if reason not in needed]
        if missing:
            raise ValueError(
                f"evidence says nothing about: {', '.join(missing)}; an empty list asks for nothing"
            )
        return needed

    @field_validator("window_max_days")
    @classmethod
    def _window(cls, most: int, info: ValidationInfo) -> int:
        _not_below("window_min_days", most, info)
        days = info.data.get("window_days")
        least = info.data.get("window_min_days", days)
        if days is not None and not least <= days <= most:
            raise PydanticCustomError(
                "window_outside",
                "window_days lies outside window_min_days..window_max_days",
                {"at": "window_days", "given": days, "least": least, "most": most},
            )
        return most

    @field_validator("machine_limit", "two_person_above")
    @classmethod
    def _amounts(cls, amount: int, info: ValidationInfo) -> int:
        lower = "small_below" if info.field_name == "machine_limit" else "machine_limit"
        if amount < info.data.get(lower, amount):
            raise PydanticCustomError(
                "amounts_fall",
                "amounts must rise: small_below, machine_limit, two_person_above",
                {"at": lower, "given": info.data[lower], "bound": amount},
            )
        return amount
