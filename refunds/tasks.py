"""What the worker does, by name. Each task calls one operation and may run twice, late, or at the same time."""

from celery import shared_task
from django.utils import timezone

from marketplace.payments.operations.reconcile import reconcile_due

from .operations import decide, news, sweep
from .operations import pay as payer
from .operations import settle as settling
from .operations import return_duplicates as duplicates


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


@shared_task(name="refunds.sweep_prechecks")
def sweep_prechecks() -> None:
    sweep.sweep_prechecks(timezone.now())


@shared_task(name="refunds.sweep_transfers")
def sweep_transfers() -> None:
    sweep.sweep_transfers(timezone.now())


@shared_task(name="refunds.sweep_deadlines")
def sweep_deadlines() -> None:
    sweep.sweep_deadlines(timezone.now())
