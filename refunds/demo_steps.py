"""What sides and staff do in the stories of the demo, each by the operation its screen calls."""

import itertools
from datetime import datetime, timedelta
from typing import NamedTuple

from marketplace.identity.models import User
from marketplace.kernel.idempotency import Key

from .models import RefundRequest
from .operations import answer, offer, panel, pay, review, say
from .operations.appeal import appeal_as_buyer
from .operations.ask_evidence import ask_evidence

_keys = itertools.count(1)


class People(NamedTuple):
    seller: User
    second_seller: User
    reviewer: User
    second_reviewer: User
    supervisor: User
    arbiter: User


def key() -> Key:
    return Key("demo", str(next(_keys)), b"\0" * 32)


def agree(request: RefundRequest, people: People, now: datetime) -> None:
    answer.agree(number=request.number, user=people.seller, now=now, note="已核实，同意退款。")
    pay.pay(request.number, now)


def agree_only(request: RefundRequest, people: People, now: datetime) -> None:
    answer.agree(number=request.number, user=people.seller, now=now, note="同意，请平台复核。")


def refuse(request: RefundRequest, people: People, now: datetime) -> None:
    answer.refuse(
        number=request.number,
        user=people.seller,
        ground="already_used",
        note="后台显示卡密已在区服兑换。",
        now=now,
    )


def offer_part(request: RefundRequest, people: People, now: datetime) -> None:
    offer.offer_part(
        number=request.number,
        user=people.seller,
        amount=request.amount // 2,
        note="会员已使用约一半，愿退一半。",
        now=now,
    )


def promise(request: RefundRequest, people: People, now: datetime) -> None:
    on = (now + timedelta(days=3)).date()
    offer.promise(
        number=request.number, user=people.seller, on=on, note="供应商补充值中，到账前请勿重复下单。", now=now
    )


def chat(request: RefundRequest, people: People, now: datetime) -> None:
    say.say_as_seller(number=request.number, user=people.seller, text="请提供兑换页面的完整截图。", now=now)
    say.say_as_staff(
        number=request.number, user=people.reviewer, text="等供应商回复后再判。", now=now, is_internal=True
    )


def ask(request: RefundRequest, people: People, now: datetime) -> None:
    ask_evidence(
        number=request.number, user=people.reviewer, note="请补充充值页面的错误截图和到账记录。", now=now
    )


def reject(request: RefundRequest, people: People, now: datetime) -> None:
    review.reject(
        number=request.number,
        user=people.reviewer,
        clause="B3",
        note="兑换记录在交付之后，按条款不予退款。",
        fault="buyer",
        now=now,
        deviation="与先例不同：兑换时间有第三方记录。",
    )


def appeal(request: RefundRequest, people: People, now: datetime) -> None:
    appeal_as_buyer(
        buyer_id=request.buyer_id,
        number=request.number,
        clauses=["B3", "A3"],
        text="兑换账号不是我的，登录记录可以证明，请主管复核。",
        key=key(),
        present=lambda _request: {},
        now=now,
    )


def arbitrate(request: RefundRequest, people: People, now: datetime) -> None:
    review.refer(number=request.number, user=people.reviewer, note="双方证据相互矛盾，提请仲裁。", now=now)
    panel.appoint(number=request.number, user=people.supervisor, arbiter_id=people.arbiter.pk, now=now)


def propose(request: RefundRequest, people: People, now: datetime) -> None:
    review.approve_request(
        number=request.number,
        user=people.reviewer,
        amount=None,
        note="登录记录显示异地登录。",
        fault="none",
        now=now,
        clause="B1",
    )
