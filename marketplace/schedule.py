"""When the scheduler starts what: each name is a task of refunds/tasks.py."""

from typing import Any

from celery.schedules import crontab

# Seconds between two runs. Each sweep finds what a lost message or a passed deadline left; one that waits too long
# for a worker is dropped.
SWEEPS = {
    "tell_waiting": 1.0,
    "sweep_transfers": 2.0,
    "sweep_deliveries": 5.0,
    "sweep_prechecks": 5.0,
    "sweep_deadlines": 10.0,
    "apply_outages": 10.0,
    "sweep_bulk": 10.0,
    "sweep_imports": 15.0,
    "run_backtests": 10.0,
    "sweep_notifications": 10.0,
    "sweep_provider_checks": 15.0,
    "roll_up": 300.0,
    "release_idle": 15.0,
    "sweep_overdue": 300.0,
    "sweep_pending_files": 900.0,
    "sweep_duplicates": 3600.0,
    "sweep_progress": 3600.0,
}
# In Asia/Shanghai. The channels' lists of a day are ready by ten the next morning; who gave none is asked hourly.
BY_THE_CLOCK = {
    "clean_up_sign_ins": crontab(hour="4", minute="10"),
    "settle_orders": crontab(hour="3", minute="0"),
    "reconcile": crontab(hour="10-23", minute="30"),
}
SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": f"refunds.{name}", "schedule": seconds, "options": {"expires": max(seconds, 10)}}
    for name, seconds in SWEEPS.items()
} | {name: {"task": f"refunds.{name}", "schedule": when} for name, when in BY_THE_CLOCK.items()}
