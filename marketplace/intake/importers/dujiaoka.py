"""dujiaoka's `orders` table as CSV: one vendor an installation, yuan decimals, times of Asia/Shanghai."""

from collections.abc import Iterator
from typing import Any

from .base import (
    Options,
    Read,
    Skip,
    amount,
    channel_of,
    moment,
    quantity_of,
    read_rows,
    share_codes,
    text,
    units,
    unknown_status,
)
from .files import Source, csv_rows

REQUIRED = (
    "order_sn", "goods_id", "title", "type", "buy_amount", "actual_price", "email", "info", "pay_id", "trade_no",
    "status", "created_at", "updated_at",
)  # fmt: skip
COLUMNS = {
    "/external_no": "order_sn",
    "/buyer/external_id": "email",
    "/buyer/email": "email",
    "/product/sku": "goods_id",
    "/product/title": "title",
    "/quantity": "buy_amount",
    "/total/amount": "actual_price",
    "/payments/0/amount/amount": "actual_price",
    "/payments/0/channel_no": "trade_no",
    "/payments/0/captured_at": "created_at",
    "/created_at": "created_at",
    "/paid_at": "created_at",
    "/completed_at": "updated_at",
    "/units/0/secret": "info",
    "/units/0/events/0/at": "updated_at",
}
UNPAID = {"1", "-1"}
PAID = {"2", "3", "4"}
PAID_WITH_NUMBER = {"5", "6"}  # failed, abnormal: paid only where the channel gave a number
DONE = "4"
MANUAL = "2"


def read(source: Source, options: Options) -> Iterator[Read]:
    return read_rows(csv_rows(source.text, REQUIRED), _body, COLUMNS, options)


def _body(fields: dict[str, str], options: Options) -> dict[str, Any]:
    _leave_out(fields)
    total = amount(fields, "actual_price")
    quantity = quantity_of(fields, "buy_amount")
    created_at = moment(fields, "created_at", needed=True)
    done_at = moment(fields, "updated_at", needed=True) if fields["status"] == DONE else None
    manual = fields["type"] == MANUAL
    info = [line.strip() for line in text(fields, "info").splitlines() if line.strip()]
    codes: list[str | None] = [None] * quantity if manual else share_codes(info, quantity, "info")
    email = text(fields, "email")
    return {
        "external_no": fields["order_sn"],
        "seller": options.seller,
        "buyer": {
            "external_id": email.lower() or f"order:{fields['order_sn']}",
            "email": email,
            "ip": text(fields, "buy_ip"),
        },
        "product": {
            "sku": f"dujiaoka-{fields['goods_id']}",
            "title": options.goods.get(fields["goods_id"]) or fields["title"],
            "goods_type": options.goods_type,
        },
        "quantity": quantity,
        "total": total,
        "target": _target(info) if manual else None,
        "payments": [
            {
                "channel": channel_of(options.pays.get(fields["pay_id"], "")),
                "channel_no": text(fields, "trade_no") or fields["order_sn"],
                "amount": total,
                "captured_at": created_at,
            }
        ],
        "created_at": created_at,
        "paid_at": created_at,
        "completed_at": done_at,
        "units": units(codes, done_at, "dujiaoka:delivered", all_delivered=manual),
    }


def _leave_out(fields: dict[str, str]) -> None:
    status = fields["status"]
    if text(fields, "deleted_at"):
        raise Skip("deleted")
    if status in UNPAID or (status in PAID_WITH_NUMBER and not text(fields, "trade_no")):
        raise Skip("unpaid")
    if status not in PAID | PAID_WITH_NUMBER:
        raise unknown_status(fields, sorted(UNPAID | PAID | PAID_WITH_NUMBER))


def _target(info: list[str]) -> dict[str, str]:
    """What the buyer filled in for manual delivery: "account:hero-1" a line."""
    target = {}
    for index, line in enumerate(info[:20], start=1):
        name, colon, value = line.replace("：", ":").partition(":")
        if colon and 0 < len(name.strip()) <= 64:
            target[name.strip()] = value.strip()[:200]
        else:
            target[f"input {index}"] = line[:200]
    return target
