"""What the worker does, by name. Each task calls one operation and may run twice, late, or at the same time."""

from celery import shared_task
from django.utils import timezone

from .operations import decide, sweep
from .operations import pay as payer


@shared_task(name="refunds.precheck")
def precheck(request_id: int) -> None:
    decide.precheck(request_id, timezone.now())


@shared_task(name="refunds.pay")
def pay(number: str) -> None:
    payer.pay(number, timezone.now())


@shared_task(name="refunds.sweep_prechecks")
def sweep_prechecks() -> None:
    sweep.sweep_prechecks(timezone.now())


@shared_task(name="refunds.sweep_transfers")
def sweep_transfers() -> None:
    sweep.sweep_transfers(timezone.now())


@shared_task(name="refunds.sweep_deadlines")
def sweep_deadlines() -> None:
    sweep.sweep_deadlines(timezone.now())
