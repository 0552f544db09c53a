"""The money page in a browser: by keyboard alone, and on a narrow screen as on a wide one, dark and light."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from marketplace.payments.models import Withdrawal
from marketplace.payments.operations.seller_funds import take_deposit
from refunds.machine import State
from tests.payments.funds import earned, refunding, settled
from tests.people import Cast

from .test_browser import page, sign_in, tab_to

__all__ = ["page"]
pytestmark = pytest.mark.browser


def much(cast: Cast) -> None:
    """Money of every kind, in two currencies, one of them with a debt."""
    order = settled(cast, 990_000, quantity=3)
    settled(cast, 700_000, currency="JPY", fx_rate="0.05")
    earned(cast, 512_345)
    take_deposit(
        seller=cast.seller,
        amount=20_000,
        currency="CNY",
        bank_reference="B",
        user=cast.finance,
        now=timezone.now(),
    )
    refunding(cast, order, State.MANUAL_REVIEW, units=("1",))


def test_keyboard_alone_asks_for_a_withdrawal(page: Page, transactional_db: None, cast: Cast) -> None:
    settled(cast)
    sign_in(page, cast)
    page.get_by_role("heading", name="Refund requests").wait_for()
    tab_to(page, "Money")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Money").wait_for()
    page.get_by_role("textbox", name="Amount").focus()
    page.keyboard.type("60.50")
    page.keyboard.press("Enter")
    assert "CNY 60.50 is set aside" in page.get_by_role("status").inner_text()
    assert Withdrawal.objects.get().amount == 6050


def test_two_quick_presses_ask_once(page: Page, transactional_db: None, cast: Cast) -> None:
    settled(cast)
    sign_in(page, cast)
    page.goto("/portal/money/")
    page.get_by_role("textbox", name="Amount").fill("10")
    page.get_by_role("button", name="Ask for a withdrawal").dblclick()
    page.get_by_role("status").wait_for()
    assert Withdrawal.objects.count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_runs_out_of_the_page(
    page: Page, transactional_db: None, cast: Cast, width: int, scheme: Any
) -> None:
    much(cast)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, cast)
    page.goto("/portal/money/")
    page.get_by_role("textbox", name="Amount").first.fill("1")
    page.get_by_role("button", name="Ask for a withdrawal").first.click()
    page.get_by_role("status").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    bar = page.locator(".bar rect").evaluate_all(
        "all => all.map(each => [each.getBoundingClientRect().width, getComputedStyle(each).fill])"
    )
    escrow, held, free = bar[:3]  # of the first currency
    assert all(wide > 1 for wide, _fill in (escrow, held, free))
    assert len({fill for _wide, fill in (escrow, held, free)}) == 3
