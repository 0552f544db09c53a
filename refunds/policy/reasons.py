"""The closed list of refund reasons (B1). API enums, admin filters, documents and rules are derived from
it."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """One reason.

    `to_person`: a person judges it at once, without the seller. `by_use`: use of the goods and the window
    decide it; False where the claim is about money or people, not about the goods. `deciders`: the rules
    whose findings may settle it; None means all, the others are shown and settle nothing.
    """

    code: str
    zh: str
    en: str
    to_person: bool = False
    by_use: bool = True
    warning_zh: str = ""
    warning_en: str = ""
    deciders: frozenset[str] | None = None


_PERSON = frozenset({"reason"})
_MONEY = frozenset({"duplicate", "risk", "amount"})


def _person(code: str, zh: str, en: str, warning_zh: str = "", warning_en: str = "") -> Reason:
    return Reason(code, zh, en, True, False, warning_zh, warning_en, _PERSON)


REASONS: dict[str, Reason] = {
    row.code: row
    for row in (
        Reason("wrong_recharge", "充错号码或区服", "Wrong number or server"),
        Reason("not_delivered", "未到账", "Not delivered"),
        Reason("short_delivered", "到账数量不足", "Delivered short"),
        Reason("not_activated", "未激活、无法使用", "Not activated"),
        Reason(
            "no_fault",
            "无理由退款（改变主意）",
            "Changed my mind",
            warning_zh="仅在商品承诺无理由退款、当地法律赋予撤回权，或小额且未使用时可退。",
            warning_en="Refundable only where the product promised it, where the law of your region "
            "grants withdrawal, or for a small purchase that is unused.",
        ),
        _person("platform_fault", "平台故障", "Platform fault"),
        Reason(
            "invalid_code", "卡密无效（假、过期、已被使用）", "Invalid code (fake, expired, already used)"
        ),
        Reason("not_as_described", "与描述不符", "Not as described"),
        Reason("duplicate_charge", "重复扣款", "Charged twice", by_use=False, deciders=_MONEY),
        _person(
            "unauthorized_purchase",
            "非本人购买",
            "Purchase I did not make",
            "将由专人核查登录与设备记录，可能需要 7 至 14 天。",
            "A person examines sign-ins and devices; this can take 7 to 14 days.",
        ),
        _person("seller_unreachable", "联系不上卖家", "Seller unreachable"),
        _person("seller_fraud", "卖家欺诈", "Seller fraud"),
        _person(
            "other",
            "其他",
            "Other",
            "选择“其他”需要人工判断，处理时间更长；如有合适的原因请优先选择。",
            "“Other” is judged by a person and takes longer; choose a listed reason where one fits.",
        ),
    )
}

PERSON_REASONS: frozenset[str] = frozenset(r.code for r in REASONS.values() if r.to_person)
ORDINARY_REASONS: frozenset[str] = frozenset(r.code for r in REASONS.values() if r.by_use)
