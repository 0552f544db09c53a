"""case_page_1m: the whole page of one case that waits for a reviewer, with a million cases beside it."""

from typing import Any

from . import desk, report
from .server import Server

NAME = "case_page_1m"
TARGET = report.under(0.3)


def run(server: Server, scale: float) -> report.Figure:
    stand = desk.opened(server, scale)
    return desk.page_against_its_statements(NAME, stand, [_page(stand, number) for number in range(1, 6)])


def _page(stand: desk.Desk, nth: int) -> Any:
    number = f"RF{stand.waiting // 6 * nth}"

    def read() -> None:
        answer = stand.client.get(f"/admin/refunds/refundrequest/case/{number}/")
        if answer.status_code != 200 or number.encode() not in answer.content:
            raise RuntimeError(f"{number}: {answer.status_code}")

    return read
