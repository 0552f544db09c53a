"""All channels at once for one unit: one request; and the control, with lock and index taken away."""

from functools import partial
from typing import Any

import pytest

from refunds.models import RefundRequest
from tests.factories import hours, make_order
from tests.filers import Answered, by_api, by_import, by_system, desk_path, form, portal_path, signed_in
from tests.people import Cast

from .test_races import ONE_OPEN, locks_off, together, without_index

__all__ = ["locks_off"]

pytestmark = pytest.mark.django_db(transaction=True)


def _all_at_once(cast: Cast) -> list[Any]:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, events=[("delivered", hours(-3))]
    )
    support, seller = signed_in(cast.support), signed_in(cast.seller_user)
    told = {"channel": "phone", "ticket": "", "caller_check": "Named the order number."}
    posts = [(support, desk_path(order), told), (seller, portal_path(order), {})]
    # Forms are filled in before the start, so that what races is the filing alone.
    filled = [
        (client, path, form(client, path, **fields)) for client, path, fields in posts for _ in range(3)
    ]
    calls = [partial(client.post, path, data) for client, path, data in filled]
    calls += [partial(by, cast, order) for by in (by_api, by_import, by_system) for _ in range(3)]
    return together(calls)


def test_channels_at_once_open_one_request_and_name_it_to_the_others(cast: Cast) -> None:
    answers = _all_at_once(cast)
    number = RefundRequest.objects.get().number
    filed = 0
    for answer in answers:
        assert not isinstance(answer, Exception), answer
        if isinstance(answer, Answered):
            assert number in (answer.number or answer.refused)
            filed += bool(answer.number)
        else:
            assert answer.status_code in (302, 409)
            assert number in (answer.get("Location", "") or answer.content.decode())
            filed += answer.status_code == 302
    assert filed == 1


def test_control_without_lock_and_index_channels_open_many(cast: Cast, locks_off: None) -> None:
    with without_index("one_open_request_per_unit", ONE_OPEN):
        _all_at_once(cast)
        assert RefundRequest.objects.count() > 1
