"""Files of N orders as the shops export them, for tests and for bench/import_orders.py.

python -m tests.intake.make_orders dujiaoka 100000 orders.csv
"""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 10, 1, 8, 0, 0)


def code(number: int) -> str:
    return f"CARD-{number:08d}-{number * 7919 % 1_000_003:06d}"


def _time(number: int, seconds: int = 0) -> str:
    return str(START + timedelta(seconds=number % 4_000_000 + seconds))


def jsonl_body(number: int) -> dict[str, Any]:
    def at(seconds: int) -> str:
        return (START + timedelta(seconds=number % 4_000_000 + seconds)).isoformat() + "+08:00"

    price = {"amount": 4900, "currency": "CNY"}
    return {
        "external_no": f"DJ-{number}",
        "seller": f"S-{number % 20:04}",
        "buyer": {
            "external_id": f"u-{number}",
            "region": "CN",
            "email": f"u{number}@example.com",
            "ip": "203.0.113.7",
        },
        "product": {
            "sku": f"game-{number % 50}",
            "title": f"游戏点卡 {number % 50} 元",
            "goods_type": "card_code",
            "page_text": "未使用可退",
            "terms": {"window_days": 15, "no_reason_days": 0, "conditions": []},
        },
        "quantity": 1,
        "total": price,
        "payments": [
            {"channel": "alipay", "channel_no": f"2026{number:012}", "amount": price, "captured_at": at(30)}
        ],
        "created_at": at(0),
        "paid_at": at(30),
        "completed_at": at(40),
        "units": [
            {
                "ref": "1",
                "secret": code(number),
                "events": [{"type": "delivered", "at": at(40), "ref": "evt-1"}],
            }
        ],
    }


def dujiaoka_row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "order_sn": f"SN{number:010}",
        "goods_id": number % 50,
        "coupon_id": 0,
        "title": f"游戏点卡 {number % 50} 元 x 1",
        "type": 1,
        "goods_price": "49.00",
        "buy_amount": 1,
        "coupon_discount_price": "0.00",
        "wholesale_discount_price": "0.00",
        "total_price": "49.00",
        "actual_price": "49.00",
        "search_pwd": "",
        "email": f"u{number}@example.com",
        "info": code(number),
        "pay_id": 1,
        "buy_ip": "203.0.113.7",
        "trade_no": f"2026{number:012}",
        "status": 4,
        "coupon_ret_back": 0,
        "created_at": _time(number),
        "updated_at": _time(number, 40),
        "deleted_at": "",
    }


def acgfaka_row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "owner": 0,
        "user_id": 0,
        "trade_no": f"T{number:012}",
        "amount": "49.00",
        "commodity_id": number % 50,
        "card_id": "",
        "card_num": 1,
        "pay_id": 1,
        "create_time": _time(number),
        "create_ip": "203.0.113.7",
        "create_device": 0,
        "pay_time": _time(number, 30),
        "status": 1,
        "secret": code(number),
        "password": "",
        "contact": f"u{number}@example.com",
        "delivery_status": 1,
        "coupon_id": "",
        "cost": "0.00",
        "premium": "0.00",
        "widget": "",
        "leave_message": "请及时使用",
        "sku": "",
        "race": "",
        "pay_cost": "0.00",
    }


ROWS: dict[str, Callable[[int], dict[str, Any]]] = {
    "recourse": jsonl_body,
    "dujiaoka": dujiaoka_row,
    "acg-faka": acgfaka_row,
}


def write_csv(path: Path, rows: Iterator[dict[str, Any]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        first = next(rows)
        writer = csv.DictWriter(file, first)
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)
    return path


def write(file_format: str, count: int, path: Path, encoding: str = "utf-8") -> Path:
    rows = (ROWS[file_format](number) for number in range(1, count + 1))
    if file_format != "recourse":
        return write_csv(path, rows, encoding)
    with path.open("w", encoding=encoding) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
