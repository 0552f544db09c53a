"""The clocks of a case, and what moves them: extensions, outages, peaks, and days the calendar has wrong (requirement E).

Both sides, and staff, read the same rows. Migration 0007 adds what Django cannot say: the clock a request shows is one
of these rows, and follows it when it is extended.
"""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from ..machine import Clock
from .closing import closed_once
from .requests import RefundRequest

NEVER_SHORTENED = """
    IF NEW.due_at < OLD.due_at THEN
        RAISE EXCEPTION 'a deadline is never shortened: % of request % is due %', OLD.kind, OLD.request_id, OLD.due_at;
    END IF;
    RETURN NEW;
"""


class Deadline(models.Model):
    """One clock, started by the move `sequence`. It runs until `closed_at`, and was met where that is not after `due_at`."""

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="deadlines")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(_("waiting for"), max_length=16, choices=Clock)
    started_at = models.DateTimeField(_("started at"))
    due_at = models.DateTimeField(_("due"))
    closed_at = models.DateTimeField(_("over since"), null=True, blank=True)

    class Meta:
        verbose_name = _("deadline")
        verbose_name_plural = _("deadlines")
        constraints = [
            models.UniqueConstraint(fields=["request", "sequence", "kind"], name="deadline_once_per_move"),
            # What a request's own clock refers to.
            models.UniqueConstraint(fields=["request", "sequence", "kind", "due_at"], name="deadline_clock"),
            models.UniqueConstraint(
                fields=["request"], condition=Q(kind=Clock.FIRST_REPLY), name="first_reply_once"
            ),
        ]
        indexes = [
            models.Index(fields=["request"], name="deadline_running", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["kind", "started_at"], name="deadline_by_kind"),
        ]
        triggers = [
            *closed_once("closed_at", ["request_id", "sequence", "kind", "started_at"]),
            pgtrigger.Trigger(
                name="never_shortened",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func=NEVER_SHORTENED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.due_at:%Y-%m-%d %H:%M}"


class Outage(models.Model):
    """A time in which the platform could not be used. It extends every clock that ran in it, by as much as it cost (E7)."""

    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    note = models.TextField(_("what happened"))
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(_("declared at"))
    applied_at = models.DateTimeField(null=True)  # all clocks that ran in it have been extended

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("started_at")), name="outage_has_length"
            ),
            models.CheckConstraint(
                condition=Q(applied_at__isnull=True) | Q(ended_at__isnull=False),
                name="outage_is_over_when_applied",
            ),
            models.UniqueConstraint(
                models.ExpressionWrapper(Q(ended_at__isnull=True), models.BooleanField()),
                condition=Q(ended_at__isnull=True),
                name="one_outage_at_a_time",
            ),
        ]
        triggers = closed_once("applied_at", ["started_at", "note", "declared_by_id", "declared_at"])

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class Extension(models.Model):
    """More time for a clock: because the platform was down, or because a person gave it and said why."""

    deadline = models.ForeignKey(Deadline, on_delete=models.PROTECT, related_name="extensions")
    outage = models.ForeignKey(Outage, on_delete=models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(_("why"), blank=True)
    at = models.DateTimeField(_("at"))
    was_due_at = models.DateTimeField(_("was due"))
    due_at = models.DateTimeField(_("due"))

    class Meta:
        verbose_name = _("extension")
        verbose_name_plural = _("extensions")
        constraints = [
            models.CheckConstraint(condition=Q(due_at__gt=F("was_due_at")), name="extension_is_longer"),
            models.CheckConstraint(
                condition=Q(outage__isnull=False, user__isnull=True)
                | Q(outage__isnull=True, user__isnull=False) & ~Q(note=""),
                name="extension_has_a_cause",
            ),
            models.UniqueConstraint(fields=["deadline", "outage"], name="extended_once_per_outage"),
        ]
        triggers = append_only()


class Peak(models.Model):
    """A time of so many cases that new clocks run longer. Announced before, and without effect on running ones (E6)."""

    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    percent = models.PositiveSmallIntegerField(_("clocks run at, in percent"))
    note = models.TextField(_("announcement"))
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(_("declared at"))

    class Meta:
        verbose_name = _("peak")
        verbose_name_plural = _("peaks")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="peak_has_length"),
            models.CheckConstraint(
                condition=Q(percent__gt=100, percent__lte=300), name="peak_only_lengthens"
            ),
            # What is announced afterwards could not be counted on by anybody.
            models.CheckConstraint(condition=Q(starts_at__gte=F("declared_at")), name="peak_is_announced"),
            ExclusionConstraint(
                name="one_peak_at_a_time",
                expressions=[
                    (
                        Func(
                            "starts_at",
                            "ends_at",
                            RangeBoundary(),
                            function="TSTZRANGE",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    )
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent} %"


class CalendarDay(models.Model):
    """A day on which the official calendar errs, or which it does not know yet."""

    day = models.DateField(_("day"), unique=True)
    is_working = models.BooleanField(_("working day"))
    note = models.CharField(_("why"), max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("calendar days")

    def __str__(self) -> str:
        return self.day.isoformat()
