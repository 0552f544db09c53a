"""What channels tell us: notifications as they came in, and where a day's list differs from our books."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from ..channels import Channel


class NotificationState(models.TextChoices):
    WAITING = "waiting", _("Not looked at yet")
    DONE = "done", _("Acted on")
    NO_NEWS = "no_news", _("Nothing new in it")
    UNKNOWN = "unknown", _("Names nothing we know")  # kept for a person


class Notification(models.Model):
    """A notification whose signature was right. What it says is a hint: the channel is asked before anything moves."""

    State = NotificationState

    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    event_id = models.CharField(_("channel's event"), max_length=128)
    subject = models.CharField(_("about"), max_length=16)  # gateways.base.Subject
    refund_number = models.CharField(_("transfer number"), max_length=64, blank=True)
    dispute_no = models.CharField(_("dispute number"), max_length=128, blank=True)
    channel_no = models.CharField(_("channel's number"), max_length=128, blank=True)
    body = models.BinaryField()  # as it came, for whoever has to look
    received_at = models.DateTimeField(_("received at"), db_default=Now())
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.WAITING)
    handled_at = models.DateTimeField(_("handled at"), null=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(fields=["channel", "event_id"], name="notification_once"),
            models.CheckConstraint(
                condition=Q(state="waiting") ^ Q(handled_at__isnull=False), name="notification_handled_at"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="notification_waiting", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.event_id}"


class Reconciliation(models.Model):
    """One channel's list of one day held against our books: what was compared, and when."""

    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    day = models.DateField(_("day"))
    ran_at = models.DateTimeField(_("compared at"))
    matched = models.PositiveIntegerField(_("matched"))
    breaks = models.PositiveIntegerField(_("breaks found"))

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        indexes = [models.Index(fields=["channel", "-day", "-id"], name="reconciliation_by_day")]
        triggers = append_only()


class BreakKind(models.TextChoices):
    MISSING_THERE = "missing_there", _("Paid in our books, not in the channel's")
    MISSING_HERE = "missing_here", _("Paid by the channel, not in our books")
    AMOUNT = "amount", _("Another amount")
    STATE = "state", _("Another state")


class Break(models.Model):
    """A difference between a channel's books and ours. Nothing corrects it but a person, who says how."""

    Kind = BreakKind

    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    day = models.DateField(_("day"))
    kind = models.CharField(_("kind"), max_length=16, choices=BreakKind)
    number = models.CharField(
        _("number"), max_length=128
    )  # our transfer's, or the channel's where it names none
    ours = models.CharField(_("in our books"), max_length=64)  # "CNY 49.00 succeeded"
    theirs = models.CharField(_("in the channel's"), max_length=64)
    found_at = models.DateTimeField(_("found at"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("owner"),
    )  # fmt: skip
    closed_at = models.DateTimeField(_("closed at"), null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.TextField(_("how it was resolved"), blank=True)

    class Meta:
        verbose_name = _("break")
        verbose_name_plural = _("breaks")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "kind", "number"],
                condition=Q(closed_at__isnull=True),
                name="break_open_once",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | (Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(note="")),
                name="break_closed_by_somebody_who_says_how",
            ),
        ]
        indexes = [models.Index(fields=["found_at"], name="break_open", condition=Q(closed_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.channel} {self.number}"
