"""The main job through the running program, and through the death of its worker."""

import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.groups import RABBITMQ_URL, REDIS_URL

from .stack import Stack

MANY, ROUND = 18, 6


def order(number: int, fen: int = 4900) -> dict[str, Any]:
    paid = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    money = {"amount": fen, "currency": "CNY"}
    return {
        "external_no": f"DJ-{number}",
        "seller": "S-0001",
        "buyer": {"external_id": "u-77", "region": "CN"},
        "product": {"sku": "game-50", "title": "Game card", "goods_type": "card_code"},
        "quantity": 1,
        "total": money,
        "payments": [
            {"channel": "alipay", "channel_no": f"A-{number}", "amount": money, "captured_at": paid}
        ],
        "created_at": paid,
        "paid_at": paid,
        "completed_at": paid,
        "units": [
            {
                "ref": "1",
                "secret": f"CODE-{number}",
                "events": [{"type": "delivered", "at": paid, "ref": "e1"}],
            }
        ],
    }


def open_shop(stack: Stack) -> tuple[str, dict[str, str]]:
    """A shop's secret, and the headers of its buyer."""
    secret = stack.manage("add_shop", "dj").split()[-1]
    stack.push("dj", secret, "orders/", order(0))
    token = stack.push("dj", secret, "buyers/u-77/token/", {})["token"]
    return secret, {"Authorization": f"Bearer {token}"}


def file_all(
    stack: Stack, secret: str, buyer: dict[str, str], numbers: range, fen: Callable[[int], int]
) -> list[str]:
    filed = []
    for number in numbers:
        no = stack.push("dj", secret, "orders/", order(number, fen(number)))["no"]
        headers = buyer | {"Idempotency-Key": str(uuid.uuid4())}
        body = {"order": no, "reason": "not_activated", "description": "not used"}
        status, answer = stack.call("POST", "/api/v1/refund-requests/", body, headers)
        assert status == 201, answer
        filed.append(answer["number"])
    return filed


def states(stack: Stack, buyer: dict[str, str]) -> list[str]:
    _status, page = stack.call("GET", "/api/v1/refund-requests/?page_size=200", headers=buyer)
    return [row["state"] for row in page["results"]]


def moved(stack: Stack, buyer: dict[str, str]) -> int:
    return sum(state != "submitted" for state in states(stack, buyer))


def test_small_order_goes_from_push_to_refunded_and_the_program_stops_cleanly(
    start: Callable[..., Stack],
) -> None:
    stack = start()
    secret, buyer = open_shop(stack)
    file_all(stack, secret, buyer, range(1, 2), lambda _n: 4900)
    stack.until(lambda: states(stack, buyer) == ["refunded"])
    assert "breaks=0" in stack.manage("verify")
    family = stack.children("")
    stack.stop()
    assert stack.process.returncode == 0
    assert not [child for child in family if child.is_running() and child.status() != "zombie"]


BROKERS = [
    pytest.param({}, id="files"),
    pytest.param({"BROKER_URL": REDIS_URL}, id="redis", marks=pytest.mark.redis),
    pytest.param({"BROKER_URL": RABBITMQ_URL}, id="rabbitmq", marks=pytest.mark.rabbitmq),
]


@pytest.mark.slow
@pytest.mark.parametrize("environment", BROKERS)
def test_worker_killed_again_and_again_loses_nothing_and_pays_nothing_twice(
    start: Callable[..., Stack], environment: dict[str, str]
) -> None:
    """kill -9 while requests are being decided and paid; amounts ending in 72 lose the channel's answer as well."""
    stack = start(**environment, QUEUE=f"test-{os.getpid()}", SANDBOX_DELAY_SECONDS="0.2")
    secret, buyer = open_shop(stack)
    for round_number, first in enumerate(range(1, MANY + 1, ROUND)):
        stack.until(lambda: bool(stack.children("worker")))
        file_all(stack, secret, buyer, range(first, first + ROUND), lambda n: 4872 if n % 3 == 0 else 4900)
        # In the middle of its work: later in each round.
        stack.until(lambda begun=first - 1 + round_number: moved(stack, buyer) > begun)
        for worker in stack.children("worker"):
            worker.kill()
    stack.until(lambda: states(stack, buyer) == ["refunded"] * MANY, within=120)
    assert "breaks=0" in stack.manage("verify")
