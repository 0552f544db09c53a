"""Who sits over a case in arbitration, and how they vote (requirement F8)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from ..faults import FORCES_REFUND, Fault
from .closing import closed_once
from .requests import RefundRequest

SEATS = 3  # of a panel; an even number could not decide


class PanelMember(models.Model):
    """An arbiter's seat. A member sees and rules this case and no other that nobody seated them in."""

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="panel")
    seat = models.PositiveSmallIntegerField(_("seat"))
    arbiter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("arbiter")
    )
    appointed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    appointed_at = models.DateTimeField(_("appointed at"))
    left_at = models.DateTimeField(_("left at"), null=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("panel member")
        verbose_name_plural = _("panel members")
        constraints = [
            models.UniqueConstraint(
                fields=["request", "seat"], condition=Q(left_at__isnull=True), name="one_member_a_seat"
            ),
            models.UniqueConstraint(
                fields=["arbiter", "request"], condition=Q(left_at__isnull=True), name="one_seat_an_arbiter"
            ),
            models.CheckConstraint(condition=Q(seat__gte=1, seat__lte=SEATS), name="panel_has_three_seats"),
            models.CheckConstraint(
                condition=~Q(arbiter=F("appointed_by")), name="nobody_appoints_themselves"
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True, removed_by__isnull=True)
                | Q(left_at__isnull=False, removed_by__isnull=False),
                name="member_leaves_by_somebody",
            ),
        ]
        triggers = closed_once(
            "left_at", ["request_id", "seat", "arbiter_id", "appointed_by_id", "appointed_at"]
        )


class Vote(models.Model):
    """How one member would rule: `amount` minor units for the buyer, 0 for the seller. Never changed.

    `sequence` is the move that brought the case to arbitration, so that a case that comes there again is voted on anew.
    """

    member = models.ForeignKey(PanelMember, on_delete=models.PROTECT, related_name="votes")
    sequence = models.PositiveIntegerField()
    amount = models.BigIntegerField(_("amount"))
    fault = models.CharField(_("fault"), max_length=8, choices=Fault)
    shares = models.JSONField(_("shares of the fault"), null=True)
    clause = models.CharField(_("clause"), max_length=16, blank=True)
    note = models.TextField(_("reasons"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        constraints = [
            models.UniqueConstraint(fields=["member", "sequence"], name="one_vote_a_member"),
            models.CheckConstraint(
                condition=Q(amount=0) & ~Q(fault__in=sorted(FORCES_REFUND)) & ~Q(clause="") | Q(amount__gt=0),
                name="vote_like_a_judgement",
            ),
            models.CheckConstraint(condition=~Q(note=""), name="vote_with_reasons"),
        ]
        triggers = append_only()
