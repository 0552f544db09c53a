"""The same webhook again: on demand, by two workers at once, and after a crash."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from marketplace.celery import app
from marketplace.kernel.models import OutboxJob
from marketplace.notices.operations import deliver as delivering
from marketplace.notices.operations.deliver import NotReplayable, deliver, replay, sweep_deliveries
from marketplace.notices.senders import webhook
from marketplace.notices.senders.base import SCHEDULES, Outcome
from refunds import tasks
from tests.cases import work
from tests.factories import hours
from tests.people import Cast
from tests.refunds.test_races import together

from .receivers import Receiver, now, reread, sent, verified


def test_replay_sends_the_same_message_under_the_same_id(cast: Cast, receiver: Receiver) -> None:
    at = now()
    made, delivery = sent(cast, receiver, at)
    with pytest.raises(NotReplayable):
        replay(delivery_id=delivery.pk, seller_id=cast.seller.pk, now=at)
    work(at)
    later = at + hours(3)
    replay(delivery_id=delivery.pk, user=cast.supervisor, now=later)
    work(later)
    assert len(receiver.got) == 2
    assert len(set(receiver.ids)) == 1
    assert receiver.got[0].body == receiver.got[1].body
    assert verified(receiver.got[1], made.secret, later)


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def test_one_delivery_is_sent_once(self, cast: Cast, receiver: Receiver) -> None:
        at = now()
        _made, delivery = sent(cast, receiver, at)
        results = together([lambda: deliver(delivery.pk, at)] * 8)
        assert [result for result in results if result is not None] == [
            result for result in results if result
        ][:1]
        assert len(receiver.got) == 1
        assert (reread(delivery).state, reread(delivery).attempts) == ("sent", 1)

    def test_control_without_compare_and_set_each_sends_it(
        self, cast: Cast, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        careless = delivering._BEGIN.replace("AND d.state = 'queued' AND d.next_try_at <= %(now)s", "")
        assert careless != delivering._BEGIN
        monkeypatch.setattr(delivering, "_BEGIN", careless)
        at = now()
        _made, delivery = sent(cast, receiver, at)
        together([lambda: deliver(delivery.pk, at)] * 8)
        assert len(receiver.got) == 8

    def test_no_transaction_is_open_while_the_receiver_thinks(self, cast: Cast, receiver: Receiver) -> None:
        at = now()
        _made, delivery = sent(cast, receiver, at)
        seen: list[int] = []
        respond = receiver.respond

        def looking(request: Any) -> Any:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND state LIKE 'idle in transaction%'"
                    )
                    seen.append(cursor.fetchone()[0])
            finally:
                connection.close()
            return respond(request)

        receiver.respond = looking  # type: ignore[method-assign]
        deliver(delivery.pk, at)
        assert seen == [0]


def test_crash_between_sending_and_writing_down_sends_it_again_under_the_same_id(
    cast: Cast, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now()
    _made, delivery = sent(cast, receiver, at)

    class PowerCut(BaseException):
        pass

    def cut(*args: Any) -> None:
        raise PowerCut

    with monkeypatch.context() as crashing:
        crashing.setattr(delivering, "_record", cut)
        with pytest.raises(PowerCut):
            deliver(delivery.pk, at)
    lease = SCHEDULES["webhook"].lease
    assert sweep_deliveries(at + lease - timedelta(seconds=1)) == 0  # its worker may still be at it
    assert sweep_deliveries(at + lease) == 1
    OutboxJob.objects.exclude(task="refunds.deliver").delete()
    work(at + lease)
    assert len(receiver.got) == 2
    assert len(set(receiver.ids)) == 1
    assert json.loads(receiver.got[0].body) == json.loads(receiver.got[1].body)
    assert reread(delivery).state == "sent"


def test_late_worker_that_failed_does_not_undo_what_the_next_one_sent(cast: Cast, receiver: Receiver) -> None:
    at = now()
    _made, delivery = sent(cast, receiver, at)
    late = delivering._begin(delivery.pk, at)
    deliver(delivery.pk, at + SCHEDULES["webhook"].lease)
    assert reread(delivery).state == "sent"
    delivering._record(late, webhook.Result(Outcome.RETRY, "HTTP 500", 500), at + hours(1))
    assert (reread(delivery).state, reread(delivery).status) == ("sent", 204)


def test_slow_receivers_leave_half_of_the_worker_to_refunds(cast: Cast, receiver: Receiver) -> None:
    at = now()
    _made, delivery = sent(cast, receiver, at)
    taken = [tasks._places.acquire(blocking=False) for _ in range(3)]
    try:
        tasks.deliver(delivery.pk)
        assert taken == [True, True, False]
        assert receiver.got == []
        assert sweep_deliveries(at + timedelta(seconds=6)) == 1  # not lost: the next sweep finds it
    finally:
        tasks._places.release()
        tasks._places.release()
    tasks.deliver(delivery.pk)
    assert reread(delivery).state == "sent"


def test_every_sweep_of_the_schedule_is_a_task_there_is() -> None:
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {
        "refunds.tell_waiting",
        "refunds.sweep_progress",
        "refunds.sweep_overdue",
        "refunds.sweep_deliveries",
    } <= names
    assert names | {"refunds.deliver"} <= set(app.tasks)
