"""What nobody can use any more: sessions, tries that lock nobody out, factors that were begun and never confirmed."""

from datetime import datetime, timedelta

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt

from ..models import SecondFactor, StaffSession
from .staff_sessions import store

SESSIONS_KEPT = timedelta(days=90)
TRIES_KEPT = timedelta(days=1)  # a lock lasts minutes; the audit log keeps that there were tries
LOGS_KEPT_DAYS = 30  # axes' log of sign-ins, which is written no more


def clean_up_sign_ins(now: datetime) -> None:
    store().clear_expired()
    AccessAttempt.objects.filter(attempt_time__lt=now - TRIES_KEPT).delete()
    AxesProxyHandler.reset_logs(age_days=LOGS_KEPT_DAYS)
    StaffSession.objects.filter(seen_at__lt=now - SESSIONS_KEPT).delete()
    SecondFactor.objects.filter(confirmed_at__isnull=True, started_at__lt=now - timedelta(days=1)).delete()
