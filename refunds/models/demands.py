"""What a reviewer asked of one side of a case (requirement F5): of whom, which kinds, and until when."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from ..machine import Party
from ..policy import EVIDENCE_KINDS
from .requests import RefundRequest

ASKABLE = (Party.BUYER, Party.SELLER)


class EvidenceDemand(models.Model):
    """`sequence` is the move that asked; a migration adds the foreign key Django cannot declare. Never changed."""

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="evidence_demands")
    sequence = models.PositiveIntegerField()
    of = models.CharField(
        _("asked"), max_length=16, choices=[(party.value, party.label) for party in ASKABLE]
    )
    kinds = ArrayField(models.CharField(max_length=32), verbose_name=_("kinds"), default=list, blank=True)
    note = models.TextField(_("note"))
    at = models.DateTimeField(_("at"))
    due_at = models.DateTimeField(_("due"))

    class Meta:
        verbose_name = _("demand for evidence")
        verbose_name_plural = _("demands for evidence")
        constraints = [
            models.UniqueConstraint(fields=["request", "sequence"], name="one_demand_a_move"),
            models.CheckConstraint(condition=Q(of__in=ASKABLE), name="demand_of_a_side"),
            models.CheckConstraint(
                condition=Q(kinds__contained_by=sorted(EVIDENCE_KINDS)), name="demand_of_known_kinds"
            ),
            models.CheckConstraint(condition=~Q(note=""), name="demand_says_what"),
        ]
        triggers = append_only()
