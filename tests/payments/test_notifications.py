"""What a channel says by itself is kept once, believed only after the channel was asked, and never lost."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from marketplace.kernel.models import OutboxJob
from marketplace.ledger.models import Transaction
from marketplace.payments.models import Notification, Transfer
from marketplace.payments.operations import notify
from refunds.machine import State
from refunds.models import RefundRequest, Transition
from refunds.operations import news
from tests.cases import work
from tests.channels.server import Fault
from tests.people import Cast
from tests.refunds.test_races import together

from .sides import HOUR, SIDES, TAKE_BACK, Side, Told, approved, deliver, running, sent

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=sorted(SIDES))
def side(request: pytest.FixtureRequest, settings: Any) -> Iterator[Side]:
    with running(request.param, settings) as side:
        yield side


@pytest.fixture(params=TAKE_BACK)
def fickle(request: pytest.FixtureRequest, settings: Any) -> Iterator[Side]:
    """A channel whose refunds may come back."""
    with running(request.param, settings) as side:
        yield side


def state() -> str:
    return Notification.objects.get().state


def jobs() -> int:
    return OutboxJob.objects.filter(task="refunds.take_notification").count()


def test_refund_that_arrives_is_paid_back_as_soon_as_the_channel_tells(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side, settles_after=HOUR)
    side.settle(transfer.number)
    answer = deliver(side, side.news(transfer.number))
    assert (answer.status_code, answer.content) == side.acknowledgement
    kept = Notification.objects.get()
    assert (kept.channel, kept.subject, kept.refund_number) == (side.name, "refund", transfer.number)
    assert (state(), RefundRequest.objects.get().state) == ("waiting", State.REFUNDING)
    work()
    assert (state(), RefundRequest.objects.get().state) == ("done", State.REFUNDED)
    assert Transaction.objects.filter(recipe="refund").count() == 1


def test_what_a_notification_says_is_not_believed_before_the_channel_says_it(cast: Cast, side: Side) -> None:
    """It tells of success, and the channel that is asked still has the refund under way."""
    transfer = sent(cast, side, settles_after=HOUR)
    pending = transfer.next_try_at
    told = _told_of_success(side, transfer)
    deliver(side, told)
    work()
    transfer.refresh_from_db()
    assert (transfer.state, transfer.attempts) == ("pending", 2)
    assert transfer.next_try_at > pending
    assert not Transaction.objects.filter(recipe="refund").exists()


def _told_of_success(side: Side, transfer: Transfer) -> Told:
    if side.name == "stripe":
        refund = {**side.channel._numbered(transfer.number)[-1], "status": "succeeded"}
        told: Told = side.channel.notification("refund.updated", refund)
    elif side.name == "wechat_pay":
        told = side.channel.notification(transfer.number, refund_status="SUCCESS")
    else:
        told = side.channel.notification(transfer.number)
    return told


@pytest.mark.django_db(transaction=True)
class TestDuplicates:
    def test_20_copies_at_once_are_one_row_and_one_effect(self, cast: Cast, side: Side) -> None:
        answers = self._deliver_20(cast, side)
        assert {(answer.status_code, answer.content) for answer in answers} == {side.acknowledgement}
        assert Notification.objects.count() == jobs() == 1
        work()
        assert Transaction.objects.filter(recipe="refund").count() == 1
        assert Transition.objects.filter(event="settle").count() == 1

    def test_control_without_the_constraint_each_copy_is_a_row(
        self, cast: Cast, side: Side, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            notify, "_KEEP", notify._KEEP.replace("ON CONFLICT (channel, event_id) DO NOTHING", "")
        )
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE payments_notification DROP CONSTRAINT notification_once")
        try:
            self._deliver_20(cast, side)
            assert Notification.objects.count() == jobs() == 20
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM payments_notification")
                cursor.execute(
                    "ALTER TABLE payments_notification"
                    " ADD CONSTRAINT notification_once UNIQUE (channel, event_id)"
                )

    def test_no_transaction_is_open_while_the_channel_is_asked(self, cast: Cast, side: Side) -> None:
        transfer = sent(cast, side)
        deliver(side, side.news(transfer.number))
        open_ones: list[int] = []
        respond = side.channel.respond

        def looking(request: Any) -> Any:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND state LIKE 'idle in transaction%'"
                    )
                    open_ones.append(cursor.fetchone()[0])
            finally:
                connection.close()
            return respond(request)

        side.channel.respond = looking
        work()
        assert open_ones == [0]

    def _deliver_20(self, cast: Cast, side: Side) -> list[Any]:
        transfer = sent(cast, side, settles_after=HOUR)
        side.settle(transfer.number)
        told = side.news(transfer.number)
        OutboxJob.objects.all().delete()
        return together([lambda: deliver(side, told)] * 20)


def test_same_event_again_later_is_acknowledged_and_changes_nothing(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    told = side.news(transfer.number)
    first = deliver(side, told)
    work()
    again = deliver(side, told)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert Notification.objects.count() == 1
    assert jobs() == 0


def test_accept_header_refuses_no_news(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    headers, body = side.news(transfer.number)
    answer = deliver(side, ({**headers, "Accept": "text/plain"}, body))
    assert (answer.status_code, answer.content) == side.acknowledgement


def test_pending_that_comes_after_success_changes_nothing(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side, settles_after=HOUR)
    late = side.news(transfer.number)
    side.settle(transfer.number)
    deliver(side, side.news(transfer.number))
    work()
    deliver(side, late)
    work()
    assert list(Notification.objects.order_by("id").values_list("state", flat=True)) == ["done", "no_news"]
    assert RefundRequest.objects.get().state == State.REFUNDED


def test_success_that_comes_after_failure_changes_nothing(cast: Cast, fickle: Side) -> None:
    transfer = sent(cast, fickle, settles_after=HOUR)
    fickle.settle(transfer.number)
    late = fickle.news(transfer.number)
    fickle.take_back(transfer.number)
    deliver(fickle, fickle.news(transfer.number))
    work()
    transfer.refresh_from_db()
    assert transfer.state == fickle.failed
    deliver(fickle, late)
    work()
    assert list(Notification.objects.order_by("id").values_list("state", flat=True)) == ["done", "no_news"]
    transfer.refresh_from_db()
    assert transfer.state == fickle.failed
    assert not Transaction.objects.filter(recipe="refund").exists()


def test_refund_we_never_made_is_kept_for_a_person(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    told = side.news(transfer.number)
    Transfer.objects.filter(pk=transfer.pk).update(sent_at=None)  # as after a restore of an older backup
    deliver(side, told)
    work()
    assert state() == "unknown"
    assert bytes(Notification.objects.get().body) == told[1]


def test_transfer_of_another_channel_is_unknown(cast: Cast, side: Side, settings: Any) -> None:
    transfer = sent(cast, side)
    told = side.news(transfer.number)
    capture = transfer.claim.capture
    capture.channel = "card"
    capture.save()
    deliver(side, told)
    work()
    assert state() == "unknown"


def test_paid_after_we_took_it_for_failed_is_kept_for_a_person(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side, settles_after=HOUR)
    Transfer.objects.filter(pk=transfer.pk).update(state="failed")
    side.settle(transfer.number)
    deliver(side, side.news(transfer.number))
    work()
    assert (state(), Transfer.objects.get().state) == ("unknown", "failed")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_stale_notification_is_refused_and_not_kept(cast: Cast, side: Side, minutes: int) -> None:
    transfer = sent(cast, side)
    side.shift(minutes * MINUTE)
    answer = deliver(side, side.news(transfer.number))
    assert (answer.status_code, answer.json()["code"]) == (400, "notification_stale")
    assert answer["Content-Type"] == "application/problem+json"
    assert not Notification.objects.exists()


def test_tampered_notification_is_refused_and_not_kept(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    headers, body = side.news(transfer.number)
    end = b"}" if side.name != "alipay" else b"sign_type"
    answer = deliver(side, (headers, body.replace(end, b" " + end, 1)))
    assert answer.status_code in (400, 401)
    assert answer.json()["code"] in ("notification_signature", "notification_malformed")
    assert not Notification.objects.exists()
    assert jobs() == 0


def test_notification_for_another_installation_is_refused(cast: Cast, side: Side, settings: Any) -> None:
    """Signed with the same keys of the channel, but not for our app, merchant or endpoint."""
    transfer = sent(cast, side)
    if side.name == "alipay":
        told = side.channel.notification(transfer.number, app_id="2021000000000002")
    elif side.name == "wechat_pay":
        told = side.channel.notification(transfer.number, mchid="1900000110")
    else:
        side.channel.webhook_secret = "whsec_of_another_endpoint"
        told = side.news(transfer.number)
    answer = deliver(side, told)
    code = "notification_signature" if side.name == "stripe" else "notification_not_ours"
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert not Notification.objects.exists()


def test_notification_of_a_megabyte_is_refused(cast: Cast, side: Side) -> None:
    for size in (notify.MAX_BODY + 1, 3 * 1024 * 1024):
        answer = deliver(side, ({}, b"x" * size))
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert deliver(side, ({}, b"x" * notify.MAX_BODY)).status_code in (400, 401)


@pytest.mark.parametrize("channel", ["card", "stripe", "no-such", "支付宝"])
def test_channel_we_have_no_keys_for_is_not_found(db: None, settings: Any, channel: str) -> None:
    settings.SANDBOX_ANSWERS_FOR = []
    answer = deliver(channel, ({}, b"{}"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("channel", ["alipay", "bank_transfer"])
def test_channel_the_sandbox_plays_believes_nothing(db: None, channel: str) -> None:
    answer = deliver(channel, ({}, b"{}"))
    assert (answer.status_code, answer.json()["code"]) == (401, "notification_not_ours")


def test_address_is_the_channels_alone_and_not_in_the_api_document(client: Client) -> None:
    assert "/notify/" not in client.get("/api/schema/").content.decode()
    assert client.get("/channels/stripe/notify/").status_code == 405


# --- What is lost on the way ---


def test_lost_job_is_found_by_the_sweep(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side, settles_after=HOUR)
    side.settle(transfer.number)
    deliver(side, side.news(transfer.number))
    OutboxJob.objects.all().delete()
    assert news.sweep_notifications(timezone.now()) == 0  # its job may still be on the way
    assert news.sweep_notifications(timezone.now() + MINUTE) == 1
    assert (state(), RefundRequest.objects.get().state) == ("done", State.REFUNDED)
    assert news.sweep_notifications(timezone.now() + MINUTE) == 0


@pytest.mark.parametrize("line", ["before asking", "after asking"])
def test_crash_while_acting_is_made_good_by_the_sweep(
    cast: Cast, fickle: Side, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    transfer = sent(cast, fickle)
    fickle.take_back(transfer.number)
    deliver(fickle, fickle.news(transfer.number))

    def dies(*_args: Any, **_kwargs: Any) -> Any:
        raise Killed

    at = "news._act" if line == "before asking" else "come_back._take_back"
    monkeypatch.setattr(f"refunds.operations.{at}", dies)
    with pytest.raises(Killed):
        work()
    monkeypatch.undo()
    OutboxJob.objects.all().delete()
    assert (state(), RefundRequest.objects.get().state) == ("waiting", State.REFUNDED)
    news.sweep_notifications(timezone.now() + MINUTE)
    assert (state(), RefundRequest.objects.get().state) == ("done", State.REFUNDING)


def test_silent_channel_is_asked_again_a_minute_later_and_not_before(cast: Cast, fickle: Side) -> None:
    transfer = sent(cast, fickle)
    fickle.take_back(transfer.number)
    for _time in range(3):
        deliver(fickle, fickle.news(transfer.number))
    OutboxJob.objects.all().delete()
    now = timezone.now() + MINUTE
    fickle.channel.faults.append(Fault.DROP)
    assert news.sweep_notifications(now) == 1  # the others would hear the same
    assert news.sweep_notifications(now + MINUTE / 2) == 0
    assert set(Notification.objects.values_list("state", flat=True)) == {"waiting"}
    assert news.sweep_notifications(now + MINUTE) == 3
    assert sorted(Notification.objects.values_list("state", flat=True)) == ["done", "no_news", "no_news"]


def test_after_three_days_without_an_answer_a_person_looks(cast: Cast, side: Side) -> None:
    transfer = sent(cast, side)
    deliver(side, side.news(transfer.number))
    OutboxJob.objects.all().delete()
    for after, wanted in ((news.GIVE_UP_AFTER, "waiting"), (news.GIVE_UP_AFTER + 2 * MINUTE, "unknown")):
        side.channel.faults.append(Fault.DROP)
        news.sweep_notifications(timezone.now() + after - MINUTE)
        assert state() == wanted


def test_news_of_a_transfer_that_a_worker_is_just_sending_waits_for_it(cast: Cast, side: Side) -> None:
    transfer = approved(cast, side)
    Transfer.objects.filter(pk=transfer.pk).update(
        state="sending", sent_at=timezone.now(), next_try_at=timezone.now() + MINUTE, attempts=1,
        resend_until=timezone.now() + HOUR,
    )  # fmt: skip
    Notification.objects.create(
        channel=side.name, event_id="E", subject="refund", refund_number=transfer.number, body=b""
    )
    news.sweep_notifications(timezone.now() + MINUTE / 2 + timedelta(seconds=1))
    assert (state(), side.channel.calls) == ("waiting", [])


def test_mistake_of_ours_in_one_keeps_no_other_waiting(
    cast: Cast, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = sent(cast, side)
    deliver(side, side.news(transfer.number))
    Notification.objects.create(channel=side.name, event_id="E", subject="dispute", body=b"")

    def broken(**_named: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(news.dispute, "take", broken)
    assert news.sweep_notifications(timezone.now() + MINUTE) == 2
    found = dict(Notification.objects.values_list("subject", "state"))
    assert found == {"dispute": "unknown", "refund": "no_news"}
