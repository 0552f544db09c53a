from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse

from marketplace.orders.models import Shop
from tests.factories import ShopFactory
from tests.people import Api

from .bodies import ORDERS

NOW = "2026-11-20T10:00:00+08:00"
Push = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def _clock_and_calls(settings: Any) -> Any:
    settings.ROOT_URLCONF = "tests.intake.urls"  # these calls alone, whatever else the project mounts
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def shop(db: None) -> Shop:
    return ShopFactory(code="djk")


@pytest.fixture
def push(api: Api, shop: Shop) -> Push:
    """push(body) sends an order as the shop; push(body, path) something else."""

    def send(body: Any, path: str = ORDERS, **extra: Any) -> HttpResponse:
        return api.push(extra.pop("shop", shop), path, body, **extra)

    return send
