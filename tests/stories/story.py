"""One case from the shop's push to the books, told in the order of the wall."""

import tempfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.ledger.queries import trial_balance
from refunds.casefile.verify import main as verify
from refunds.invariants import INVARIANTS, breaks
from tests.people import Cast

from .sides import Buyer, Seller, Shop, Staff
from .wall import Wall

# What a seller may do while the case waits for them, and a reviewer once it is theirs.
SELLER_MAY = {"agree", "refuse", "part", "replacement", "promise", "sealed"}
REVIEWER_MAY = {"approve", "approve_part", "reject", "ask_evidence", "refer"}
FILE = {"purpose": "arbitration", "language": "en", "form": "zip"}


class Story:
    def __init__(self, wall: Wall, cast: Cast) -> None:
        self.wall, self.cast = wall, cast
        self.shop = Shop(cast)
        self.buyer = Buyer(self.shop, "u-77")
        self.seller = Seller(cast.seller_user)
        self.reviewer, self.supervisor = Staff(cast.reviewer), Staff(cast.supervisor)
        self.order, self.number = "", ""

    # --- What is done -------------------------------------------------------------------------------------

    def push(self, *, goods_type: str, fen: int, units: int = 1, secret: str = "", **more: Any) -> None:
        """An order that was paid by Alipay and delivered at this instant."""
        at, money = self.wall.now.isoformat(), {"amount": fen, "currency": "CNY"}
        delivered = {"type": "delivered", "at": at}
        body = {
            "external_no": "DJ-1",
            "seller": self.cast.seller.code,
            "buyer": {"external_id": "u-77", "region": "CN"},
            "product": {"sku": "game-50", "title": "Game card", "goods_type": goods_type},
            "quantity": units,
            "total": money,
            "payments": [
                {"channel": "alipay", "channel_no": "A-1", "amount": money, "captured_at": at},
            ],
            "created_at": at,
            "paid_at": at,
            "completed_at": at,
            "units": [
                {"ref": str(n), "events": [{**delivered, "ref": f"e{n}"}]}
                | ({"secret": f"{secret}-{n}"} if secret else {})
                for n in range(1, units + 1)
            ],
            **more,
        }
        self.order = self.shop.push("orders/", body)["no"]

    def file(self, reason: str, description: str, **more: Any) -> None:
        body = {"order": self.order, "reason": reason, "description": description, **more}
        self.number = self.buyer.post("refund-requests/", body)["number"]

    def says(self, way: str, body: Any = None, expect: int = 201, **how: Any) -> dict[str, Any]:
        """The buyer, in the case."""
        return self.buyer.post(f"refund-requests/{self.number}/{way}/", body, expect, **how)

    def answers(self, way: str, expect: int = 302, **typed: Any) -> Any:
        """The seller, in the case."""
        return self.seller.answer(self.number, way, expect, **typed)

    # --- What is seen -------------------------------------------------------------------------------------

    def read(self) -> dict[str, Any]:
        """As the buyer's front end does."""
        answer = self.buyer.get(f"refund-requests/{self.number}/")
        assert answer.status_code == 200
        return dict(answer.json())

    def all_see(
        self, state: str, clocks: dict[str, datetime], *, seller: set[str], reviewer: set[str]
    ) -> None:
        """The same state and the same clocks on every side; of the seller and the reviewer also what they may do."""
        case = self.read()
        assert case["state"] == state
        assert {each["kind"]: datetime.fromisoformat(each["due_at"]) for each in case["deadlines"]} == clocks
        assert self.seller.sees(self.number) == (state, clocks, seller)
        assert self.reviewer.sees(self.number) == (state, clocks, reviewer)

    def history(self) -> list[tuple[str, str, str]]:
        """(day and time, move, who) of every move: the same on every side, to the second and in the same order."""
        moves = [
            (datetime.fromisoformat(move["at"]).astimezone(SHANGHAI), move["event"], move["by"])
            for move in self.read()["timeline"]
        ]
        instants = [(event, at) for at, event, _by in moves]
        assert self.seller.moves(self.number) == instants
        assert self.reviewer.moves(self.number) == instants
        return [(f"{at:%d %H:%M:%S}", event, by) for at, event, by in moves]

    def books(self) -> dict[tuple[str, str], int]:
        """Every account that is not empty, in fen, debits less credits; they sum to nothing."""
        rows = trial_balance(self.wall.now)
        sums: dict[str, int] = defaultdict(int)
        for row in rows:
            sums[row.currency] += row.balance
        assert sums == {"CNY": 0}
        return {(row.kind, row.owner): row.balance for row in rows if row.balance}

    def is_sound(self) -> None:
        """No invariant is broken, and each side's file of the case is whole by its own hashes."""
        assert [each.name for each in INVARIANTS if breaks(each)] == []
        asked = "&".join(f"{name}={value}" for name, value in FILE.items()).replace("form=", "format=")
        files = [
            self.buyer.get(f"refund-requests/{self.number}/case-file/?{asked}"),
            self.answers("file", 200, **FILE),
            self.reviewer.post(f"/admin/refunds/refundrequest/case/{self.number}/file/", FILE, 200),
        ]
        for answer in files:
            assert answer.status_code == 200
            with tempfile.NamedTemporaryFile(suffix=".zip") as file:
                Path(file.name).write_bytes(b"".join(answer.streaming_content))
                assert verify([file.name]) == 0


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """In March 2026, in Asia/Shanghai: the 2nd is a Monday, and no holiday falls into the month."""
    return datetime(2026, 3, day, hour, minute, second, tzinfo=SHANGHAI)
