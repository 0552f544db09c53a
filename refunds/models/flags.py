"""What was said in a case that somebody beyond its reviewer should read."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .closing import closed_once
from .messages import Message
from .requests import RefundRequest


class Flag(models.Model):
    """A threat of court, police, regulator, bank or media (requirement F10). It stands until somebody has read it,
    and decides nothing. `words` are quoted from what a side wrote: `said_in` says where, `which` of them (a
    message's id, an evidence's position, an appeal's id, a resubmission's sequence; 0 for the description).
    """

    class SaidIn(models.TextChoices):
        DESCRIPTION = "description", _("In the description")
        MESSAGE = "message", _("In a message")
        EVIDENCE = "evidence", _("In a note to evidence")
        RESUBMISSION = "resubmission", _("In a resubmission")
        APPEAL = "appeal", _("In an appeal")

    class Kind(models.TextChoices):
        LEGAL = "legal", _("For legal review")

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="flags")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    words = models.CharField(_("words"), max_length=300)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, null=True, related_name="+")
    said_in = models.CharField(_("said"), max_length=12, choices=SaidIn, default=SaidIn.DESCRIPTION)
    which = models.BigIntegerField(default=0)
    at = models.DateTimeField(_("at"))
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    cleared_at = models.DateTimeField(_("cleared at"), null=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        constraints = [
            models.UniqueConstraint(fields=["request", "kind", "said_in", "which"], name="flag_once"),
            models.CheckConstraint(
                condition=Q(said_in="message", message__isnull=False, which=F("message"))
                | ~Q(said_in="message") & Q(message__isnull=True),
                name="flag_names_its_message",
            ),
            models.CheckConstraint(
                condition=Q(cleared_at__isnull=True, cleared_by__isnull=True, note="")
                | Q(cleared_at__isnull=False, cleared_by__isnull=False) & ~Q(note=""),
                name="flag_cleared_with_a_note",
            ),
        ]
        indexes = [
            models.Index(fields=["request"], name="flag_standing", condition=Q(cleared_at__isnull=True))
        ]
        triggers = closed_once(
            "cleared_at", ["request_id", "kind", "words", "message_id", "said_in", "which", "at"]
        )
