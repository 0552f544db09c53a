"""What the fuzzer finds on the other side: a small cast, their orders, and the people who act between its calls.

Everything here follows from one Random: the seller answers, the reviewer judges, jobs run, so that calls meet cases in
every state and not only those just filed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.utils import timezone

from marketplace.identity import tokens
from marketplace.identity.models import Buyer
from marketplace.identity.roles import Role
from marketplace.kernel.errors import Refusal
from marketplace.notices.models import Notice
from marketplace.orders.models import Order
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import answer, ask_evidence, offer, seal_offer, sweep
from tests import judged
from tests.cases import work
from tests.factories import (
    BuyerFactory,
    SellerFactory,
    ShopFactory,
    StaffFactory,
    hours,
    make_member,
    make_order,
)

SHOP, SELLER, BUYER = "shop", "S-0001", "the-buyer"
EMAIL, PASSWORD = "buyer@example.com", "correct horse battery"
ORDERS = 60
Act = Callable[[RefundRequest, datetime], None]
KINDS: tuple[dict[str, Any], ...] = (
    {"total": 4900, "events": [("delivered", hours(-3))]},
    {"total": 9900, "quantity": 2, "events": [("delivered", hours(-3)), ("revealed", hours(-2))]},
    {"total": 9900, "events": [("delivered", hours(-3)), ("redeemed", hours(-2))]},
    {"total": 250_000, "events": [("delivered", hours(-3))]},
    {"total": 6000, "goods_type": "live_coins", "coins": (600, 60), "events": [("delivered", hours(-3))]},
    {"total": 10_000, "goods_type": "direct_topup", "paid": timedelta(minutes=-10), "completed": None},
    {"total": 9900, "captures": 2, "events": [("delivered", hours(-3))]},
    {"total": 5000, "paid": None, "captures": 0, "completed": None},
)


class World:
    """The rows the calls meet, and who acts on them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.shop, self.seller = ShopFactory.create(code=SHOP), SellerFactory.create(code=SELLER)
        self.buyer: Buyer = BuyerFactory.create(source=SHOP, external_id=BUYER, email=EMAIL)
        self.buyer.set_password(PASSWORD)
        self.buyer.save()
        self.member = make_member(self.seller)
        self.reviewer = StaffFactory.create(role=Role.REVIEWER)
        self.token = tokens.issue(self.buyer, issued_to="login", now=timezone.now()).token
        parties = {"buyer": self.buyer, "seller": self.seller, "shop": self.shop}
        for number in range(ORDERS):
            make_order(**parties, **KINDS[number % len(KINDS)])
        stranger = BuyerFactory.create(source=SHOP)
        self.foreign = make_order(shop=self.shop, seller=self.seller, buyer=stranger)
        self.learn()

    def learn(self) -> None:
        """The names that calls may use: those of this buyer, and a stranger's."""
        mine = Order.objects.filter(buyer=self.buyer).order_by("-id")
        self.orders = [*mine.values_list("no", flat=True)[:200], self.foreign.no]
        self.external = list(mine.values_list("external_no", flat=True)[:200])
        cases = RefundRequest.objects.filter(buyer=self.buyer).order_by("-id")
        self.cases = list(cases.values_list("number", flat=True)[:100])
        self.in_state = {
            state: list(cases.filter(state=state).values_list("number", flat=True)[:20]) for state in State
        }
        notices = Notice.objects.filter(recipient_kind="buyer", recipient_id=self.buyer.pk).order_by("-id")
        self.notices = list(notices.values_list("pk", flat=True)[:50])

    def go_on(self) -> None:
        """After a call that changed something: jobs are done, people act, and now and then a clock runs out."""
        now = timezone.now()
        work(now)
        waiting = RefundRequest.objects.filter(state__in=list(self.people)).order_by("id")
        for request in waiting[:3]:
            if self.random.random() < 0.3:
                try:
                    self.random.choice(self.people[request.state])(request, now)
                except Refusal:
                    pass  # as for a second person, or for a reason to differ from the precedents
        if self.random.random() < 0.02:
            sweep.sweep_deadlines(now + timedelta(days=1))
        work(now)
        self.learn()

    @property
    def people(self) -> dict[str, tuple[Act, ...]]:
        """Who may be heard next, by state."""
        return {
            State.AWAITING_SELLER: (self._agree, self._refuse, self._offer, self._offer, self._promise),
            State.AWAITING_BUYER: (self._seal,),
            State.MANUAL_REVIEW: (self._approve, self._reject, self._reject, self._ask, self._seal),
        }

    def _agree(self, request: RefundRequest, now: datetime) -> None:
        answer.agree(number=request.number, user=self.member, now=now)

    def _refuse(self, request: RefundRequest, now: datetime) -> None:
        answer.refuse(number=request.number, user=self.member, ground="other", note="It worked.", now=now)

    def _offer(self, request: RefundRequest, now: datetime) -> None:
        offer.offer_part(number=request.number, user=self.member, amount=request.amount // 2, now=now)

    def _promise(self, request: RefundRequest, now: datetime) -> None:
        on = timezone.localdate(now) + timedelta(days=1)
        offer.promise(number=request.number, user=self.member, on=on, note="Soon.", now=now)

    def _seal(self, request: RefundRequest, now: datetime) -> None:
        seal_offer.seal_as_seller(number=request.number, user=self.member, most=request.amount // 2, now=now)

    def _approve(self, request: RefundRequest, now: datetime) -> None:
        judged.approve(request, self.reviewer, deviation="Another case.", now=now)

    def _reject(self, request: RefundRequest, now: datetime) -> None:
        judged.reject(request, self.reviewer, deviation="Another case.", now=now)

    def _ask(self, request: RefundRequest, now: datetime) -> None:
        ask_evidence.ask_evidence(
            number=request.number, user=self.reviewer, note="A screenshot, please.", now=now
        )
