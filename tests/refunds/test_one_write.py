"""A deed writes its request once. Written twice in one transaction, a row has its foreign keys looked at again at commit:
that waits for a chargeback, which has the order and the buyer locked, and waits for the request.
"""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import hold
from refunds.operations.answer import agree, refuse
from refunds.operations.ask_evidence import ask_evidence
from refunds.operations.decide import precheck
from refunds.operations.review import approve_request, hear_appeal, refer, reject
from tests.cases import file, make_request
from tests.contested import arbiter, cast_vote, seat
from tests.factories import hours
from tests.offers import answer, least, most, part
from tests.people import Cast

from .disputes import order

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = 300_000
Written = Callable[[], list[int]]
Deed = Callable[[], object]

_WATCH = """
CREATE TABLE written (xid bigint, request_id bigint);
CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO written VALUES (txid_current(), NEW.id); RETURN NEW; END';
CREATE TRIGGER note_write AFTER UPDATE ON refunds_refundrequest FOR EACH ROW EXECUTE FUNCTION note_write();
"""
_LEAVE = "DROP TRIGGER note_write ON refunds_refundrequest; DROP FUNCTION note_write; DROP TABLE written"


@pytest.fixture
def written(transactional_db: None) -> Iterator[Written]:
    """written(): how often each transaction since the call before wrote a request."""

    def counts() -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM written GROUP BY xid, request_id ORDER BY 1")
            found = [count for (count,) in cursor.fetchall()]
            cursor.execute("DELETE FROM written")
        return found

    with connection.cursor() as cursor:
        cursor.execute(_WATCH)
    try:
        yield counts
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_LEAVE)


def _request(cast: Cast, state: State, total: int = 9900) -> RefundRequest:
    return make_request(cast, state=state, order=order(cast, total=total))


def _approve(cast: Cast, request: RefundRequest, *, second: bool = False) -> Deed:
    user = cast.second_reviewer if second else cast.reviewer
    words = {"note": "Seen.", "fault": "none", "deviation": "Other."}
    return lambda: approve_request(number=request.number, user=user, amount=None, now=timezone.now(), **words)


def _hold(cast: Cast, request: RefundRequest, since: float = 0, *, second: bool = False) -> RefundRequest:
    user = cast.second_reviewer if second else cast.reviewer
    return hold.claim(number=request.number, user=user, now=timezone.now() + hours(since))


def _in_review(cast: Cast, total: int = 9900) -> RefundRequest:
    return _request(cast, State.MANUAL_REVIEW, total)


def _hand_over(cast: Cast, request: RefundRequest) -> Deed:
    return lambda: hold.hand_over(
        number=request.number,
        user=cast.supervisor,
        to_id=cast.second_reviewer.pk,
        note="Urgent.",
        now=timezone.now(),
    )


def _proposed(cast: Cast) -> RefundRequest:
    request = _in_review(cast, LARGE)
    _approve(cast, request)()
    return request


def _reject(cast: Cast) -> Deed:
    number, words = (
        _in_review(cast).number,
        {"clause": "B3", "note": "No.", "fault": "buyer", "deviation": "x"},
    )
    return lambda: reject(number=number, user=cast.reviewer, now=timezone.now(), **words)


def _ask(cast: Cast) -> Deed:
    number = _hold(cast, _in_review(cast)).number
    return lambda: ask_evidence(number=number, user=cast.reviewer, note="A picture?", now=timezone.now())


def _refer(cast: Cast) -> Deed:
    number = _in_review(cast).number
    return lambda: refer(number=number, user=cast.reviewer, note="Unclear.", now=timezone.now())


def _hear(cast: Cast) -> Deed:
    _reject(cast)()
    number = RefundRequest.objects.get().number
    return lambda: hear_appeal(number=number, user=cast.supervisor, note="Again.", now=timezone.now())


def _vote(cast: Cast) -> Deed:
    request, people = _request(cast, State.ARBITRATION), [arbiter() for _ in range(3)]
    seat(cast, request, *people)
    cast_vote(request, people[0], 5000)
    return lambda: cast_vote(request, people[1], 5000)


def _agree(cast: Cast, total: int) -> Deed:
    number = _request(cast, State.AWAITING_SELLER, total).number
    return lambda: agree(number=number, user=cast.seller_user, now=timezone.now(), note="Sorry.")


def _refuse(cast: Cast) -> Deed:
    number, words = (
        _request(cast, State.AWAITING_SELLER).number,
        {"ground": "already_used", "note": "Redeemed."},
    )
    return lambda: refuse(number=number, user=cast.seller_user, now=timezone.now(), **words)


def _accept(cast: Cast, total: int) -> Deed:
    request = part(_request(cast, State.AWAITING_SELLER, total), cast.seller_user, total - 1000)
    return lambda: answer(request, True)


def _meet(cast: Cast, request: RefundRequest) -> Deed:
    least(request, request.amount - 2000)
    return lambda: most(request, cast.seller_user, request.amount - 1000)


def _precheck(cast: Cast) -> Deed:
    request = file(order(cast), reason="not_delivered")
    return lambda: precheck(request.pk, timezone.now())


DEEDS: dict[str, Callable[[Cast], Deed]] = {
    "approve": lambda cast: _approve(cast, _in_review(cast)),
    "approve, in hand": lambda cast: _approve(cast, _hold(cast, _in_review(cast))),
    "approve, run out in another's hands": lambda cast: _approve(
        cast, _hold(cast, _in_review(cast), since=-1, second=True)
    ),
    "propose": lambda cast: _approve(cast, _in_review(cast, LARGE)),
    "propose, in hand": lambda cast: _approve(cast, _hold(cast, _in_review(cast, LARGE))),
    "propose, run out in another's hands": lambda cast: _approve(
        cast, _hold(cast, _in_review(cast, LARGE), since=-1, second=True)
    ),
    "confirm": lambda cast: _approve(cast, _proposed(cast), second=True),
    "confirm, in hand": lambda cast: _approve(cast, _hold(cast, _proposed(cast), second=True), second=True),
    "hand over what nobody has": lambda cast: _hand_over(cast, _in_review(cast)),
    "hand over what ran out": lambda cast: _hand_over(cast, _hold(cast, _in_review(cast), since=-1)),
    "take over what ran out": lambda cast: partial(
        _hold, cast, _hold(cast, _in_review(cast), since=-1), second=True
    ),
    "reject": _reject,
    "ask for evidence": _ask,
    "refer": _refer,
    "hear an appeal": _hear,
    "rule by votes": _vote,
    "agree": lambda cast: _agree(cast, 9900),
    "agree, to be confirmed": lambda cast: _agree(cast, LARGE),
    "refuse": _refuse,
    "accept an offer": lambda cast: _accept(cast, 9900),
    "accept an offer, to be confirmed": lambda cast: _accept(cast, LARGE),
    "settle sealed": lambda cast: _meet(cast, _request(cast, State.AWAITING_SELLER)),
    "settle sealed, to be confirmed": lambda cast: _meet(cast, _request(cast, State.AWAITING_SELLER, LARGE)),
    "settle sealed, another proposal waits": lambda cast: _meet(cast, _proposed(cast)),
    "pre-check": _precheck,
}


@pytest.mark.parametrize("name", DEEDS)
def test_deed_writes_its_request_once(name: str, cast: Cast, written: Written) -> None:
    deed = DEEDS[name](cast)
    written()
    deed()
    assert written() == [1]


def test_control_two_writes_are_seen(cast: Cast, written: Written) -> None:
    request = _in_review(cast)
    written()
    with transaction.atomic():
        for _ in range(2):
            RefundRequest.objects.filter(pk=request.pk).update(amount=F("amount"))
    assert written() == [2]
