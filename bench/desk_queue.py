"""queue_html_1m: the desk's queue page, whole HTML through the middleware, with a million cases behind it."""

from typing import Any

from django.utils import timezone

from . import desk, report
from .server import Server

NAME = "queue_html_1m"
TARGET = report.under(0.2)
SHOWN = ("review", "unassigned", "overdue")


def run(server: Server, scale: float) -> report.Figure:
    stand = desk.opened(server, scale)
    if scale >= 1.0:
        explain(stand)
    return desk.page_against_its_statements(NAME, stand, [_page(stand, key) for key in SHOWN])


def _page(stand: desk.Desk, queue: str) -> Any:
    def read() -> None:
        answer = stand.client.get("/admin/refunds/refundrequest/", {"queue": queue})
        if answer.status_code != 200 or answer.content.count(b"desk-number") < 25:
            raise RuntimeError(f"{queue}: {answer.status_code}, not a page of 25 cases")

    return read


def explain(stand: desk.Desk) -> None:
    """Every queue, its first page as the list asks for it, its count, and the counts of all together."""
    from refunds.desk_queries import QUEUES
    from refunds.models import RefundRequest

    now = timezone.now()
    for key, queue in QUEUES.items():
        picked = RefundRequest.objects.filter(queue.picks(now, stand.user))
        page = picked.select_related("order", "buyer", "seller", "holder").order_by(*queue.order)[:25]
        plan = desk.explained(*page.query.sql_with_params(), [RefundRequest])
        report.say(f"    {key}: {plan.splitlines()[0].strip()}{', sorted' if 'Sort' in plan else ''}")
        if key != "all":
            desk.explained(*picked.order_by().values("pk")[:1001].query.sql_with_params(), [RefundRequest])
