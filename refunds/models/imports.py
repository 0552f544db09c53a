"""A file that staff bring in at the desk: looked through first, then taken in, by the worker (requirement K5)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .closing import closed_once


class ImportKind(models.TextChoices):
    REQUESTS = "requests", _("Refund requests")
    DAYS = "days", _("Calendar days")


class FileImport(models.Model):
    """`body` is kept until it is over, and `bad_rows` are the rows that did not go in, with reasons, as CSV."""

    kind = models.CharField(_("what it holds"), max_length=8, choices=ImportKind)
    name = models.CharField(_("file"), max_length=255)
    body = models.BinaryField()
    size = models.PositiveIntegerField()  # bytes
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    language = models.CharField(max_length=8)  # of the reasons
    uploaded_at = models.DateTimeField(_("uploaded at"))
    checked_at = models.DateTimeField(_("looked through at"), null=True)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    position = models.PositiveIntegerField(default=0)  # bytes read, of the pass that goes on or was last
    touched_at = models.DateTimeField(null=True)  # while a worker is at it: when it last said so
    good = models.PositiveIntegerField(_("good rows"), default=0)
    known = models.PositiveIntegerField(_("known already"), default=0)
    bad = models.PositiveIntegerField(_("bad rows"), default=0)
    fault = models.TextField(_("why it cannot be read"), blank=True)
    bad_rows = models.TextField(blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True) | Q(checked_at__isnull=False, fault=""),
                name="import_looked_through_first",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(confirmed_at__isnull=False),
                name="import_confirmed_first",
            ),
        ]
        triggers = closed_once("finished_at", ["kind", "name", "by_id", "size", "uploaded_at"])

    def __str__(self) -> str:
        return self.name

    @property
    def percent(self) -> int:
        return 100 * self.position // self.size
