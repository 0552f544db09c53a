"""Which move tells whom, once each, and nothing that is nobody's business."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from marketplace.kernel.idempotency import Key
from marketplace.kernel.models import OutboxJob
from marketplace.kernel.outbox import enqueue
from marketplace.notices.case_words import RULES, WAITS_FOR, WHY
from marketplace.notices.models import Delivery, Notice
from marketplace.notices.operations import endpoints
from marketplace.notices.operations import tell as telling
from marketplace.notices.texts import WORDS
from marketplace.notices.topics import TOPICS, RecipientKind
from marketplace.orders import secrets
from refunds.machine import EDGES, EVENTS, OPEN, Party, State
from refunds.models import Message, RefundRequest, Transition
from refunds.operations import review, say, sweep, tell
from refunds.operations.ask_evidence import ask_evidence
from refunds.operations.decide import precheck
from refunds.operations.file import Filing, file_request
from refunds.permissions import Actor
from refunds.policy.rules import RULES as POLICY_RULES
from refunds.telling import BUYER, SELLER, TELLS, TOLD
from refunds.transitions import Approval, apply_transition, apply_transition_in_bulk
from tests.cases import _keys, file, make_request, put_clock, work
from tests.factories import days, hours, make_order
from tests.people import Cast
from tests.refunds.test_races import together


def told(kind: str, who: int) -> list[str]:
    rows = Notice.objects.filter(recipient_kind=kind, recipient_id=who).order_by("id")
    return list(rows.values_list("topic", flat=True))


def tell_moves(moves: Iterable[tuple[int, int]], now: datetime) -> int:
    """As a worker does with the jobs it took: each (request id, sequence)."""
    with transaction.atomic():
        return telling.tell(tell._news_of_moves(list(moves)), now)


# --- The tables ------------------------------------------------------------------------------------------


def test_every_event_of_the_machine_says_whom_it_tells() -> None:
    assert set(TELLS) == set(EVENTS)


def test_every_topic_that_is_told_has_words_for_its_reader() -> None:
    for tells in TELLS.values():
        for kind, topic in tells:
            assert topic in TOPICS
            assert (topic, kind) in WORDS
    assert {topic for topic, _kind in WORDS} == set(TOPICS)


def test_a_case_with_a_reviewer_always_says_why() -> None:
    assert {event for event, tells in TELLS.items() if (BUYER, "with_reviewer") in tells} <= set(WHY)
    assert set(WAITS_FOR) == set(OPEN)
    assert set(RULES) == set(POLICY_RULES)


def test_each_move_that_tells_somebody_tells_buyer_or_seller() -> None:
    """Staff alone might be nobody."""
    for event in TOLD:
        assert {kind for kind, _topic in TELLS[event]} & {BUYER, SELLER}


# --- Moves -----------------------------------------------------------------------------------------------


def test_filing_and_deciding_tell_buyer_and_seller_once_each(cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, events=[("delivered", hours(-3))]
    )
    now = timezone.now()
    _file(order, cast, now)
    work(now)
    assert RefundRequest.objects.get().state == State.AWAITING_SELLER
    assert told("buyer", cast.buyer.pk) == ["request_filed", "seller_asked"]
    assert told("seller", cast.seller.pk) == ["seller_to_answer"]
    moves = [(move.request_id, move.sequence) for move in Transition.objects.all()]
    for _again in range(2):
        assert tell_moves(moves, now) == 0
    assert Notice.objects.count() == 3
    asked = Notice.objects.get(topic="seller_to_answer")
    request = RefundRequest.objects.get()
    assert (asked.subject, asked.source) == (request.number, f"{request.number}:3")
    assert asked.data["due_kind"] == "seller_reply"
    assert asked.data["amount"] == {"amount": 9900, "currency": "CNY"}


def _file(order: Any, cast: Cast, now: Any) -> None:
    file_request(
        buyer_id=cast.buyer.pk,
        filing=Filing(order.no, "invalid_code"),
        key=Key("buyer:x:file", f"tell-{next(_keys)}", b"0" * 32),
        present=lambda request, _units: {"number": request.number},
        now=now,
    )


@pytest.mark.parametrize("event", sorted(TOLD))
def test_move_queues_its_telling_and_the_telling_reaches_whom_the_table_names(event: str, cast: Cast) -> None:
    request = _moved_by(event, cast)
    Notice.objects.all().delete()
    assert tell_moves([(request.pk, request.sequence)], timezone.now()) == len(TELLS[event])
    found = set(Notice.objects.values_list("recipient_kind", "topic"))
    assert found == {(kind.value, topic) for kind, topic in TELLS[event]}


def _moved_by(event: str, cast: Cast) -> RefundRequest:
    """A request whose last move is `event`."""
    edge = next(edge for edge in EDGES if edge.event == event)
    if event == "file":
        return make_request(cast)
    request = make_request(cast, state=edge.source)
    party = sorted(edge.by)[0]
    user_id = None if party in (Party.SYSTEM, Party.BUYER) else cast.supervisor.pk
    approval = Approval(request.amount, cast.reviewer.pk, cast.second_reviewer.pk)
    apply_transition(
        request,
        event,
        actor=Actor(party, user_id),
        now=timezone.now(),
        approval=approval if edge.target == State.APPROVED else None,
    )
    return request


def test_job_is_written_with_the_move_and_for_those_steps_that_tell(cast: Cast) -> None:
    request = make_request(cast)
    precheck(request.pk, timezone.now())  # two steps: precheck tells nobody
    jobs = list(OutboxJob.objects.filter(task="batch.tell").values_list("args", flat=True))
    assert jobs == [[[[request.pk, 3]]]]


def test_waiting_moves_are_told_together_and_once(cast: Cast) -> None:
    for _ in range(3):
        precheck(make_request(cast).pk, timezone.now())
    OutboxJob.objects.exclude(task="batch.tell").delete()
    assert tell.tell_waiting(timezone.now()) > 0
    assert not OutboxJob.objects.filter(task="batch.tell").exists()
    assert tell.tell_waiting(timezone.now()) == 0


def test_sweeping_thousands_writes_few_jobs(cast: Cast) -> None:
    requests = [make_request(cast, state=State.AWAITING_SELLER) for _ in range(3)]
    assert sweep.sweep_deadlines(timezone.now() + days(30)) == 3
    [job] = OutboxJob.objects.filter(task="batch.tell")
    assert sorted(move[0] for move in job.args[0]) == sorted(request.pk for request in requests)


def test_bulk_move_that_is_rolled_back_tells_nobody(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    assert (
        apply_transition_in_bulk([request.pk], State.AWAITING_SELLER, "seller_silent", now=timezone.now())
        == 0
    )
    assert not OutboxJob.objects.exists()


def test_rejection_names_the_clause_the_rule_and_the_date(cast: Cast) -> None:
    now = timezone.now()
    request = make_request(cast, completed=days(-20), paid=days(-20), events=[("delivered", days(-20))])
    precheck(request.pk, now)
    work(now)
    notice = Notice.objects.get(topic="rejected")
    assert (notice.data["clause"], notice.data["rule"]) == ("B6", "window")
    assert notice.data["closes_at"].startswith(str((now + days(-5)).astimezone().year))


def test_sign_of_risk_is_not_told_to_the_seller() -> None:
    row = {"number": "RF1", "seller_id": 1, "buyer_id": 2, "region": "CN", "shop_id": 3}
    data = {"rule": "risk", "clause": "B8", "number": "RF1"}
    assert tell._news(row, SELLER, "approved", "3", data).data == {"number": "RF1"}
    assert tell._news(row, BUYER, "approved", "3", data).data == data


def test_buyer_abroad_is_told_in_english(cast: Cast) -> None:
    cast.buyer.region = "DE"
    cast.buyer.save()
    request = make_request(cast)
    tell_moves([(request.pk, 1)], timezone.now())
    assert Notice.objects.get().language == "en"


# --- Messages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("author", "kinds"), [("buyer", {"seller"}), ("seller", {"buyer"}), ("reviewer", {"buyer", "seller"})]
)
def test_message_is_told_to_the_other_side(author: str, kinds: set[str], cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    now = timezone.now()
    if author == "seller":
        say.say_as_seller(number=request.number, user=cast.seller_user, text="用过了", now=now)
    elif author == "reviewer":
        say.say_as_staff(number=request.number, user=cast.reviewer, text="Please wait.", now=now)
    else:
        Message.objects.create(request=request, author="buyer", text="It does not work.", at=now)
        enqueue("batch.tell_message", Message.objects.get().pk)
    work(now)
    assert set(Notice.objects.values_list("recipient_kind", flat=True)) == kinds
    assert set(Notice.objects.values_list("topic", flat=True)) == {"message_received"}
    for notice in Notice.objects.all():
        assert "用过了" not in str(notice.data)


def test_internal_note_is_told_to_nobody(cast: Cast) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW)
    now = timezone.now()
    say.say_as_staff(number=request.number, user=cast.reviewer, text="Fishy.", now=now, is_internal=True)
    assert not OutboxJob.objects.exists()
    enqueue("batch.tell_message", Message.objects.get().pk)
    assert tell.tell_waiting(now) == 0
    assert not Notice.objects.filter(topic="message_received").exists()


# --- What a worker died over, and what nobody has heard of ------------------------------------------------------


def _waits_to_be_told(cast: Cast, now: datetime) -> None:
    request = make_request(cast, state=State.MANUAL_REVIEW, now=now)
    OutboxJob.objects.all().delete()
    for text in ("Hello?", "Is anybody there?"):
        say.say_as_seller(number=request.number, user=cast.seller_user, text=text, now=now)
    review.reject(number=request.number, user=cast.reviewer, clause="B3", note="No.", fault="none", now=now)


HEARD = ["message_received", "message_received", "rejected", "rejected"]


@pytest.mark.parametrize("dies_in", ["_news_of_messages", "tell"])
def test_worker_that_dies_over_its_jobs_loses_nothing_and_tells_nothing_twice(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    """Before it has told anything, and when all is told and not committed."""
    now = timezone.now()
    _waits_to_be_told(cast, now)
    waiting = OutboxJob.objects.filter(task__startswith="batch.").count()
    step = getattr(tell, dies_in)

    def dies(*arguments: Any) -> Any:
        step(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(tell, dies_in, dies)
    with pytest.raises(KeyboardInterrupt):
        tell.tell_waiting(now)
    monkeypatch.undo()
    assert (OutboxJob.objects.filter(task__startswith="batch.").count(), Notice.objects.count()) == (
        waiting,
        0,
    )
    assert [tell.tell_waiting(now) for _time in range(2)] == [4, 0]
    assert sorted(Notice.objects.values_list("topic", flat=True)) == HEARD


def test_many_that_wait_are_told_in_turn(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tell, "FEW", 1)
    now = timezone.now()
    _waits_to_be_told(cast, now)
    assert tell.tell_waiting(now) == 4
    assert not OutboxJob.objects.filter(task__startswith="batch.").exists()


def test_request_that_is_new_is_no_silence(cast: Cast) -> None:
    now = timezone.now()
    make_request(cast, state=State.MANUAL_REVIEW, now=now)
    assert tell.sweep_progress(now + hours(47)) == 0


def test_buyer_who_heard_nothing_for_two_days_is_told_where_the_case_stands(cast: Cast) -> None:
    now = timezone.now()
    request = make_request(cast, state=State.MANUAL_REVIEW, now=now)
    make_request(cast, state=State.REFUNDED, now=now)
    tell_moves(Transition.objects.values_list("request_id", "sequence"), now + timedelta(minutes=1))
    assert tell.sweep_progress(now + hours(47)) == 0
    at = now + hours(48) + timedelta(minutes=2)
    assert tell.sweep_progress(at) == 1
    assert tell.sweep_progress(at) == 0
    assert tell.sweep_progress(at + hours(24)) == 0
    assert tell.sweep_progress(at + hours(49)) == 1
    notice = Notice.objects.filter(topic="progress").first()
    assert (notice.recipient_kind, notice.recipient_id, notice.subject) == (
        "buyer",
        cast.buyer.pk,
        request.number,
    )
    assert (notice.data["state"], notice.data["due_kind"]) == ("manual_review", "review")


def test_any_news_counts_as_having_heard(cast: Cast) -> None:
    now = timezone.now()
    request = make_request(cast, state=State.MANUAL_REVIEW, now=now)
    say.say_as_staff(number=request.number, user=cast.reviewer, text="Still at it.", now=now + hours(40))
    work(now + hours(40))
    assert tell.sweep_progress(now + hours(60)) == 0
    assert tell.sweep_progress(now + hours(89)) == 1


def test_every_supervisor_hears_once_of_a_reviewers_passed_deadline(cast: Cast) -> None:
    now = timezone.now()
    request = make_request(cast, state=State.MANUAL_REVIEW, now=now)
    make_request(cast, state=State.AWAITING_SELLER, now=now)
    put_clock(request, now + hours(1))
    assert tell.sweep_overdue(now) == 0
    assert tell.sweep_overdue(now + hours(2)) == 1
    assert tell.sweep_overdue(now + hours(2)) == 0
    assert told("user", cast.supervisor.pk) == ["overdue"]
    assert told("user", cast.reviewer.pk) == []


# --- What is never in a notice ----------------------------------------------------------------------------


def test_no_notice_holds_a_card_code_or_what_anybody_wrote(cast: Cast) -> None:
    now = timezone.now()
    request = make_request(cast, state=State.MANUAL_REVIEW, now=now)
    unit = request.order.units.get()
    code = f"CARD-{request.order.no}-{unit.ref}"
    assert secrets.seal(code, request.order.no, unit.ref)[1] == bytes(unit.secret_fingerprint)
    say.say_as_staff(number=request.number, user=cast.reviewer, text=f"Is it {code}?", now=now)
    ask_evidence(number=request.number, user=cast.reviewer, note=f"Show {code}", now=now)
    work(now)
    tell_moves(Transition.objects.values_list("request_id", "sequence"), now + timedelta(minutes=1))
    assert Notice.objects.count() >= 5
    for notice in Notice.objects.all():
        assert code not in str(notice.data)
        assert set(notice.data) <= ALLOWED, notice.data


# Numbers, codes, amounts and instants: a new key is a decision.
ALLOWED = {
    "number", "order", "external_no", "state", "reason", "amount", "approved", "event", "at", "clause", "rule",
    "closes_at", "due_kind", "due_at", "by", "host", "reasons",
}  # fmt: skip


def test_nothing_is_queued_where_neither_mail_nor_sms_nor_a_receiver_is_there(cast: Cast) -> None:
    request = make_request(cast)
    tell_moves([(request.pk, 1)], timezone.now())
    assert Notice.objects.count() == 1
    assert not Delivery.objects.exists()


def test_file_of_a_stranger_is_theirs(cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.stranger, seller=cast.seller, events=[("delivered", hours(-3))]
    )
    request = file(order)
    tell_moves([(request.pk, 1)], timezone.now())
    assert told("buyer", cast.stranger.pk) == ["request_filed"]
    assert told(RecipientKind.BUYER, cast.buyer.pk) == []


# --- At the same time ----------------------------------------------------------------------------------------


def _told_by_eight_workers(cast: Cast) -> None:
    endpoints.add(url="https://hooks.example.com/", seller_id=cast.seller.pk, now=timezone.now())
    request = make_request(cast, state=State.AWAITING_SELLER)
    together([lambda: tell_moves([(request.pk, request.sequence)], timezone.now())] * 8)


@pytest.mark.django_db(transaction=True)
class TestEightWorkers:
    def test_tell_one_move_once(self, cast: Cast) -> None:
        _told_by_eight_workers(cast)
        assert sorted(Notice.objects.values_list("topic", flat=True)) == ["seller_asked", "seller_to_answer"]
        assert Delivery.objects.count() == 1
        assert OutboxJob.objects.filter(task="refunds.deliver").count() == 1

    def test_control_without_the_unique_key_each_tells_it(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        once = "ON CONFLICT (source, topic, recipient_kind, recipient_id) DO NOTHING"
        careless = telling._TELL.replace(once, "")
        assert careless != telling._TELL
        monkeypatch.setattr(telling, "_TELL", careless)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE notices_notice DROP CONSTRAINT notice_once")
        try:
            _told_by_eight_workers(cast)
            assert Notice.objects.filter(topic="seller_to_answer").count() == 8
        finally:
            Delivery.objects.all().delete()
            Notice.objects.all().delete()
            with connection.cursor() as cursor:
                cursor.execute(
                    "ALTER TABLE notices_notice ADD CONSTRAINT notice_once UNIQUE (source, topic, recipient_kind, recipient_id)"
                )
