"""search_1m: a whole number of each kind, typed into the desk's box, until the case it leads to is named."""

from typing import Any

from . import desk, report
from .server import Server

NAME = "search_1m"
TARGET = report.under(0.05)


def run(server: Server, scale: float) -> report.Figure:
    stand = desk.opened(server, scale)
    if scale >= 1.0:
        explain(stand)
    return desk.page_against_its_statements(NAME, stand, [_search(stand, term) for term in terms(stand)])


def terms(stand: desk.Desk) -> list[str]:
    """Refund, order, the shop's order, payment, transfer, the channel's refund, ticket, buyer, end of a phone, none."""
    done = stand.waiting * 3 // 2
    ours, theirs = f"RF{done}", [f"X-{done}", f"A-{done}", f"TR{done}", f"C-{done}", f"TK-{done}"]
    return [ours, f"RO{done}", *theirs, "u-77", "0077", "no such number"]


def _search(stand: desk.Desk, term: str) -> Any:
    def look() -> None:
        answer = stand.client.get("/admin/refunds/refundrequest/", {"q": term})
        if answer.status_code not in (200, 302):
            raise RuntimeError(f"{term}: {answer.status_code}")

    return look


def explain(stand: desk.Desk) -> None:
    from marketplace.identity.models import Buyer
    from marketplace.orders.models import Order
    from marketplace.payments.models import Capture, Transfer
    from refunds.desk_search import find
    from refunds.models import RefundRequest

    for term in terms(stand):
        for sql, parameters in desk.asked(lambda term=term: find(term, stand.user)):  # type: ignore[misc]
            desk.explained(sql, parameters, [RefundRequest, Order, Buyer, Capture, Transfer])
