"""A small world for one seed: sellers, buyers, orders, a channel, a clock, a broker; and how operations run in it."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import connection

from marketplace.identity.models import Buyer, User
from marketplace.identity.roles import Role
from marketplace.kernel import ids, money
from marketplace.kernel.businesstime import SHANGHAI
from marketplace.ledger.operations import Booking, book_many
from marketplace.orders.models import Order, Product, Shop, Unit, UnitEvent
from marketplace.payments.gateways.base import ChannelUnreachable, Instruction
from marketplace.payments.models import Capture
from refunds.operations.file import Filing
from refunds.operations.pay import pay
from refunds.operations.sweep import sweep_transfers
from sellers.models import Membership, Seller

from .channel import SimChannel
from .crash import Ending, run_and_kill, run_here
from .gateway import Wire

START = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
CHANNELS = ("alipay", "wechat_pay", "card", "stripe")
# The longest way through an operation: its commits and calls, twice each.
MOST_POINTS = {"pay": 8}
FEW_POINTS = 4
Job = tuple[str, list[Any]]


# Jobs that the world before left are none of ours; what the database orders at random is part of the history.
_START = """
WITH gone AS (DELETE FROM kernel_outboxjob)
SELECT coalesce(max(id), 0) FROM ledger_transaction, setseed(0.5)
"""

_CHARGED_BACK = """
SELECT coalesce(sum(d.amount), 0)::bigint FROM risk_dispute d JOIN payments_capture c ON c.id = d.capture_id
WHERE c.order_id = ANY(%(orders)s) AND c.channel_no = %(no)s AND d.kind = 'chargeback' AND d.state <> 'won'
"""


def _arguments(operation: Callable[[], Any]) -> str:
    if not isinstance(operation, partial):
        return ""
    given = [*operation.args, *operation.keywords.values()]
    return " ".join(str(value) for value in given if isinstance(value, str | int | Filing))


class Person(NamedTuple):
    seller: Seller
    user: User


class World:
    """Everything random is drawn here, in the parent, before an operation runs: a killed child takes none of it."""

    def __init__(self, seed: int, wire: Wire) -> None:
        self.seed = seed
        self.order_ids: list[int] = []
        self.rng = random.Random(seed)
        self.now = START + timedelta(hours=self.rng.randrange(24 * 7))
        self.wire = wire
        self.jobs: list[Job] = []  # at the broker
        self.tally: Counter[tuple[str, str]] = Counter()  # (operation, how it ended)
        self.errors: list[str] = []
        self.history: list[str] = []  # what happened when, for who replays one seed
        self.beside: list[str] = []  # refunds sent where a chargeback had taken the money
        self.keys = 0
        self.unanswered: list[
            Callable[[], Any]
        ] = []  # filings whose process died: the buyer's app sends them again
        self.crashes_allowed = True
        self.depth = 0
        [[self.booked_before]] = self.rows(_START)
        cache.clear()
        self._people()
        self._orders()
        self.channel = SimChannel(
            rng=random.Random(f"channel {seed}"),
            clock=lambda: self.now,
            captures={capture.channel_no: capture for capture in self.captures},
            meanwhile=self.meanwhile,
        )
        wire.call, wire.books = self.answer, self.channel

    # --- Running ------------------------------------------------------------------------------------------

    def run(self, name: str, operation: Callable[[], Any], likely: float = 0.03) -> Ending:
        """Run it here, or in a child that is killed on its way."""
        if self.crashes_allowed and self.rng.random() < likely:
            at = self.rng.randint(1, MOST_POINTS.get(name, FEW_POINTS))
            ending = run_and_kill(operation, self.wire, at)
        else:
            ending = run_here(operation)
        self.tally[name, ending.killed or ("refused" if ending.refused else "done")] += 1
        how = f"killed {ending.killed}" if ending.killed else ending.refused or ending.error or "done"
        self.note(f"{name} {_arguments(operation)}: {how}")
        if ending.error:
            self.errors.append(f"{name}: {ending.error}")
        return ending

    def answer(self, verb: str, content: Any) -> Any:
        """The channel, as both we and a child reach it. Nobody may call it with a transaction open."""
        assert not connection.in_atomic_block, "a network call inside a transaction"
        if verb == "refund":
            self._watch(content)
        try:
            said = self.channel.answer(verb, content)
        except ChannelUnreachable as error:
            self.note(f"    {verb} {getattr(content, 'number', content)}: {error}")
            raise
        self.note(f"    {verb} {getattr(content, 'number', content)}: {said}")
        return said

    def note(self, text: str) -> None:
        self.history.append(f"{self.now:%m-%d %H:%M:%S}  {text}")

    def _watch(self, instruction: Instruction) -> None:
        """A chargeback we know of and a refund never both pay (H1): nothing new is sent beside it."""
        if self.channel.has(instruction.number):
            return
        no = instruction.channel_no
        [[taken]] = self.rows(_CHARGED_BACK, no=no)
        out = sum(paid.money.amount for paid in self.channel.out(no))
        if taken and taken + out + instruction.money.amount > self.channel.captures[no].amount:
            self.beside.append(f"{instruction.number} was sent beside a chargeback of {taken} of {no}")

    def meanwhile(self) -> None:
        """An answer is late: its payer is taken for dead, and another works on the same transfers."""
        if self.depth:
            return
        self.depth += 1
        try:
            self.pass_time(timedelta(seconds=self.rng.choice([1, 30, 61, 90, 600, 7200])))
            sweep_transfers(self.now)
            for number in self.numbers():
                pay(number, self.now)
        finally:
            self.depth -= 1

    def pass_time(self, wait: timedelta) -> None:
        self.now += wait
        self.channel.let_arrive()

    def key(self) -> str:
        self.keys += 1
        return f"{self.seed}-{self.keys}"

    # --- Reading ------------------------------------------------------------------------------------------

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """`%(orders)s` stands for this world's orders."""
        with connection.cursor() as cursor:
            cursor.execute(sql, {"orders": self.order_ids, **values})
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def numbers(self, *states: str) -> list[str]:
        """The world's requests, those in `states` alone where any are given, oldest first."""
        where = " AND state = ANY(%(states)s)" if states else ""
        return [
            number
            for (number,) in self.rows(
                f"SELECT number FROM refunds_refundrequest WHERE order_id = ANY(%(orders)s){where} ORDER BY id",
                states=list(map(str, states)),
            )
        ]

    # --- Making -------------------------------------------------------------------------------------------

    def _people(self) -> None:
        name = f"sim-{self.seed}"
        self.shop, _new = Shop.objects.get_or_create(
            code="sim", defaults={"name": "sim", "sealed_secret": b""}
        )
        sellers = Seller.objects.bulk_create(
            Seller(code=f"{name}-{n}", name=f"{name}-{n}", verified_at=self.now) for n in (1, 2)
        )
        roles = ["", "", Role.REVIEWER, Role.REVIEWER, Role.SUPERVISOR, Role.FINANCE, Role.FINANCE, Role.RISK]
        users = User.objects.bulk_create(
            User(username=f"{name}-{n}", role=role, is_staff=bool(role)) for n, role in enumerate(roles)
        )
        Membership.objects.bulk_create(
            Membership(user=user, seller=seller) for user, seller in zip(users[:2], sellers, strict=True)
        )
        self.sellers = [Person(seller, user) for seller, user in zip(sellers, users[:2], strict=True)]
        self.reviewers, self.supervisor = users[2:4], users[4]
        self.finance, self.risk = users[5:7], users[7]
        self.buyers = Buyer.objects.bulk_create(
            Buyer(source="sim", external_id=f"{name}-{n}", email=f"{name}-{n}@example.com") for n in (1, 2, 3)
        )
        products = [
            Product(seller=seller, sku="1", title="Card", goods_type="card_code") for seller in sellers
        ]
        self.products = Product.objects.bulk_create(products)

    def _orders(self) -> None:
        rng = self.rng
        self.orders: list[Order] = []
        for n in range(rng.randint(3, 8)):
            person, buyer = rng.randrange(2), rng.choice(self.buyers)
            paid_at = self.now - timedelta(hours=rng.uniform(1, 200))
            foreign = rng.random() < 0.1
            order = Order(
                no=ids.number("RO", self.now), shop=self.shop, external_no=f"{self.seed}-{n}", buyer=buyer,
                seller=self.sellers[person].seller, product=self.products[person], goods_type="card_code",
                snapshot={"sku": "1", "title": "Card", "page_text": "", "terms": {}},
                quantity=rng.choice([1, 1, 2, 3]), total=rng.choice([rng.randint(100, 4_900), rng.randint(5_000, 400_000)]),
                currency="USD" if foreign else "CNY", fx_rate=7 if foreign else None, region="CN",
                placed_at=paid_at, paid_at=paid_at, completed_at=paid_at + timedelta(minutes=5),
            )  # fmt: skip
            self.orders.append(order)
        Order.objects.bulk_create(self.orders)
        self.order_ids = [order.pk for order in self.orders]
        self._units()
        self._captures()

    def _units(self) -> None:
        units = Unit.objects.bulk_create(
            Unit(order=order, ref=str(ref), amount=amount)
            for order in self.orders
            for ref, amount in enumerate(money.split(order.total, [1] * order.quantity), start=1)
        )
        events = []
        for unit in units:
            events.append(UnitEvent(unit=unit, type="delivered", at=unit.order.completed_at, ref="1"))
            if self.rng.random() < 0.1:
                at = unit.order.completed_at + timedelta(minutes=1)
                events.append(UnitEvent(unit=unit, type="redeemed", at=at, ref="2"))
        UnitEvent.objects.bulk_create(events)

    def _captures(self) -> None:
        captures = []
        for order in self.orders:
            some = order.total * 2 // 5
            ways = [
                [order.total],
                [order.total, order.total],
                [some, order.total - some],
            ]  # once, twice, in two parts
            amounts = self.rng.choices(ways, [6, 2, 2])[0]
            channel = self.rng.choice(CHANNELS)
            captures += [
                Capture(
                    order=order, merchant="sim", channel=channel, channel_no=f"{order.external_no}-{n}",
                    amount=amount, currency=order.currency, captured_at=order.paid_at + timedelta(seconds=n),
                )
                for n, amount in enumerate(amounts)
            ]  # fmt: skip
        self.captures = Capture.objects.bulk_create(captures)
        book_many(
            "capture",
            [
                Booking(
                    f"capture:{c.pk}", c.amount, c.currency, c.captured_at,
                    {"channel": c.channel, "seller": c.order.seller.code},
                )
                for c in self.captures
            ],
        )  # fmt: skip
