"""postings: ledger bookings through the one door against INSERTs by hand, every one through the same hot account."""

import itertools

from django.utils import timezone

from . import report, rows
from .crew import Crew, Step, compare_rates
from .paying import book_by_hand
from .server import Server, connect

NAME = "postings"
UNIT = "bookings/s"
TARGET = report.at_least(0.7)
HANDS = 2


def run(server: Server, scale: float) -> report.Figure:
    with server.database(NAME) as url:
        with rows.Loader(url) as load:
            rows.parties(load)
            rows.accounts(load)
            load.done()
        hands = range(HANDS)
        with Crew(by_program, url, hands) as ours, Crew(by_hand, url, hands) as floor:
            return compare_rates(NAME, ours, floor, max(0.5, 3.0 * scale), UNIT)


def by_program(_url: str, hand: int) -> Step:
    from django.db import transaction

    from marketplace.ledger.operations import book

    numbers = itertools.count(1)

    def book_one() -> None:
        number = next(numbers)
        with transaction.atomic(durable=True):
            book(
                recipe="capture",
                reference=f"ours:{hand}:{number}",
                amount=rows.TOTAL,
                currency="CNY",
                occurred_at=timezone.now(),
                channel="alipay",
                seller=_seller(number),
            )

    return book_one


def by_hand(url: str, hand: int) -> Step:
    connection = connect(url)
    numbers = itertools.count(1)

    def book_one() -> None:
        number = next(numbers)
        with connection.transaction(), connection.cursor() as cursor:
            book_by_hand(
                cursor,
                "capture",
                f"hand:{hand}:{number}",
                ("clearing", "alipay"),
                ("escrow", _seller(number)),
                rows.TOTAL,
                timezone.now(),
            )

    return book_one


def _seller(number: int) -> str:
    return f"S-{1 + number % rows.SELLERS}"
