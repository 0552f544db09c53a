"""Who had a case in hand, from when to when, and why it ended. The hold that stands is on the request itself."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from .requests import RefundRequest


class Ending(models.TextChoices):
    MOVED = "moved", _("The case moved on")
    PROPOSED = "proposed", _("Waits for a second person")
    RELEASED = "released", _("Put back")
    IDLE = "idle", _("Put back: nothing happened")
    HANDED_OVER = "handed_over", _("Handed over")
    TAKEN_OVER = "taken_over", _("Taken over")


class Hold(models.Model):
    """A hold that is over, written by the statement that ends it. `by` is the judge who ended it; nobody where the
    machine, a side or a panel did.
    """

    Ending = Ending

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="holds")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    held_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"))
    ending = models.CharField(_("why it ended"), max_length=16, choices=Ending)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.CheckConstraint(condition=Q(ended_at__gte=F("held_at")), name="hold_ends_after_it_began"),
            # So it is the holder who decides: a judge moves no case out of another's hands.
            models.CheckConstraint(
                condition=Q(ending=Ending.MOVED) & (Q(by__isnull=True) | Q(by=F("user")))
                | Q(ending__in=[Ending.PROPOSED, Ending.RELEASED], by__isnull=False, by=F("user"))
                | Q(ending=Ending.IDLE, by__isnull=True)
                | Q(ending=Ending.HANDED_OVER, by__isnull=False) & ~Q(note="")
                | Q(ending=Ending.TAKEN_OVER, by__isnull=False) & ~Q(by=F("user")) & ~Q(note=""),
                name="hold_ended_by_who_may",
            ),
        ]
        indexes = [models.Index(fields=["request", "held_at"], name="hold_by_request")]
        triggers = append_only()
