"""What the worker does, by name. Each task calls one operation and may run twice, late, or at the same time."""

from threading import BoundedSemaphore

from celery import shared_task
from django.utils import timezone

from marketplace.identity.operations import clean_up
from marketplace.notices.operations import deliver as delivering
from marketplace.payments.operations.reconcile import reconcile_due

from .operations import decide, hold, news, outage, provider_check, sweep, take_file
from .operations import pay as payer
from .operations import return_duplicates as duplicates
from .operations import roll_up as rolling_up
from .operations import run_backtests as backtests
from .operations import settle as settling
from .operations import tell as telling


@shared_task(name="refunds.precheck")
def precheck(request_id: int) -> None:
    decide.precheck(request_id, timezone.now())


@shared_task(name="refunds.pay")
def pay(number: str) -> None:
    payer.pay(number, timezone.now())


@shared_task(name="refunds.return_duplicates")
def return_duplicates(order_no: str) -> None:
    duplicates.return_duplicates(order_no, timezone.now())


@shared_task(name="refunds.sweep_duplicates")
def sweep_duplicates() -> None:
    duplicates.sweep_duplicates(timezone.now())


@shared_task(name="refunds.reconcile")
def reconcile() -> None:
    reconcile_due(timezone.now())


@shared_task(name="refunds.take_notification")
def take_notification(notification_id: int) -> None:
    news.take_notification(notification_id, timezone.now())


@shared_task(name="refunds.sweep_notifications")
def sweep_notifications() -> None:
    news.sweep_notifications(timezone.now())


@shared_task(name="refunds.settle_orders")
def settle_orders() -> None:
    settling.settle_due(timezone.now())


@shared_task(name="refunds.clean_up_sign_ins")
def clean_up_sign_ins() -> None:
    clean_up.clean_up_sign_ins(timezone.now())


@shared_task(name="refunds.sweep_prechecks")
def sweep_prechecks() -> None:
    sweep.sweep_prechecks(timezone.now())


@shared_task(name="refunds.apply_outages")
def apply_outages() -> None:
    outage.apply_outages(timezone.now())


@shared_task(name="refunds.sweep_transfers")
def sweep_transfers() -> None:
    sweep.sweep_transfers(timezone.now())


@shared_task(name="refunds.ask_provider")
def ask_provider(check_id: int) -> None:
    provider_check.call(check_id, timezone.now())


@shared_task(name="refunds.sweep_provider_checks")
def sweep_provider_checks() -> None:
    provider_check.sweep(timezone.now())


@shared_task(name="refunds.sweep_deadlines")
def sweep_deadlines() -> None:
    sweep.sweep_deadlines(timezone.now())


@shared_task(name="refunds.release_idle")
def release_idle() -> None:
    hold.release_idle(timezone.now())


@shared_task(name="refunds.tell_waiting")
def tell_waiting() -> None:
    telling.tell_waiting(timezone.now())


@shared_task(name="refunds.sweep_progress")
def sweep_progress() -> None:
    telling.sweep_progress(timezone.now())


@shared_task(name="refunds.sweep_overdue")
def sweep_overdue() -> None:
    telling.sweep_overdue(timezone.now())


# A receiver may take fifteen seconds to answer. Of a worker's four threads two stay free for refunds; a delivery that
# finds no place is found by the next sweep.
_places = BoundedSemaphore(2)


@shared_task(name="refunds.deliver")
def deliver(delivery_id: int) -> None:
    if _places.acquire(blocking=False):
        try:
            delivering.deliver(delivery_id, timezone.now())
        finally:
            _places.release()


@shared_task(name="refunds.sweep_deliveries")
def sweep_deliveries() -> None:
    delivering.sweep_deliveries(timezone.now())


@shared_task(name="refunds.run_backtests")
def run_backtests() -> None:
    backtests.run_backtests(timezone.now)


@shared_task(name="refunds.sweep_pending_files")
def sweep_pending_files() -> None:
    take_file.sweep_pending_files(timezone.now())


@shared_task(name="refunds.roll_up")
def roll_up() -> None:
    rolling_up.roll_up(timezone.now())
