"""acg-faka's `order` table as CSV: yuan decimals, times of Asia/Shanghai."""

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
    "owner", "trade_no", "amount", "commodity_id", "card_num", "pay_id", "create_time", "pay_time", "status",
    "secret", "contact", "delivery_status",
)  # fmt: skip
COLUMNS = {
    "/external_no": "trade_no",
    "/buyer/external_id": "contact",
    "/buyer/email": "contact",
    "/buyer/phone": "contact",
    "/product/sku": "commodity_id",
    "/product/title": "commodity_id",
    "/quantity": "card_num",
    "/total/amount": "amount",
    "/payments/0/amount/amount": "amount",
    "/payments/0/channel_no": "trade_no",
    "/payments/0/captured_at": "pay_time",
    "/created_at": "create_time",
    "/paid_at": "pay_time",
    "/completed_at": "pay_time",
    "/units/0/secret": "secret",
    "/units/0/events/0/at": "pay_time",
}


def read(source: Source, options: Options) -> Iterator[Read]:
    return read_rows(csv_rows(source.text, REQUIRED), _body, COLUMNS, options)


def _body(fields: dict[str, str], options: Options) -> dict[str, Any]:
    if fields["status"] == "0":
        raise Skip("unpaid")
    if fields["status"] != "1":
        raise unknown_status(fields, ("0", "1"))
    total = amount(fields, "amount")
    quantity = quantity_of(fields, "card_num")
    created_at = moment(fields, "create_time", needed=True)
    paid_at = moment(fields, "pay_time") or created_at
    delivered_at = paid_at if fields["delivery_status"] == "1" else None
    lines = (
        [line.strip() for line in text(fields, "secret").splitlines() if line.strip()] if delivered_at else []
    )
    codes = share_codes(lines, quantity, "secret")
    kind = " ".join(part for part in (text(fields, "race"), text(fields, "sku")) if part)
    title = options.goods.get(fields["commodity_id"]) or f"commodity {fields['commodity_id']}"
    return {
        "external_no": fields["trade_no"],
        "seller": options.seller,
        "buyer": _buyer(fields),
        "product": {
            "sku": f"acg-faka-{fields['commodity_id']}",
            "title": f"{title} {kind}".strip()[:500],
            "goods_type": options.goods_type,
        },
        "quantity": quantity,
        "total": total,
        "payments": [
            {
                "channel": channel_of(options.pays.get(fields["pay_id"], "")),
                "channel_no": fields["trade_no"],
                "amount": total,
                "captured_at": paid_at,
            }
        ],
        "created_at": created_at,
        "paid_at": paid_at,
        "completed_at": delivered_at,
        # Nothing but text in `secret` shows what was delivered of an order with fewer lines than units.
        "units": units(codes, delivered_at, "acg-faka:delivered", all_delivered=not lines),
    }


def _buyer(fields: dict[str, str]) -> dict[str, str]:
    contact = text(fields, "contact")
    owner = text(fields, "owner")
    known = f"user:{owner}" if owner not in ("", "0") else contact.lower()
    return {
        "external_id": known or f"order:{fields['trade_no']}",
        "email": contact if "@" in contact else "",
        "phone": contact if contact.lstrip("+").isdigit() and len(contact) <= 32 else "",
        "ip": text(fields, "create_ip"),
    }
