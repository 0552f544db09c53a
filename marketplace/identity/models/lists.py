"""What staff keep of the lists of the desk, and what they took out of the house as files (requirement K5)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from ..roles import Role
from .people import User


class SavedView(models.Model):
    """What a list showed when somebody gave it a name: its address without the page. Own, or shared with a role."""

    owner = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="saved_views", verbose_name=_("kept by")
    )
    name = models.CharField(_("name"), max_length=40)
    list = models.CharField(_("list"), max_length=64)  # "refunds.refundrequest"
    query = models.CharField(_("what it shows"), max_length=1000, blank=True)
    shared_with = models.CharField(_("shared with"), max_length=20, choices=Role, blank=True)
    created_at = models.DateTimeField(_("kept since"))

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_view_name_once"),
            models.CheckConstraint(condition=~models.Q(name=""), name="saved_view_has_a_name"),
        ]
        indexes = [
            models.Index(
                fields=["shared_with"], name="saved_view_shared", condition=~models.Q(shared_with="")
            )
        ]

    def __str__(self) -> str:
        return self.name


class ListExport(models.Model):
    """That somebody took a list out of the house: which, narrowed how, and how many rows."""

    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    list = models.CharField(_("list"), max_length=64)
    query = models.CharField(_("what it showed"), max_length=2000, blank=True)
    form = models.CharField(_("form"), max_length=4, choices=[("csv", "CSV"), ("xlsx", "XLSX")])
    rows = models.PositiveIntegerField(_("rows"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.list} {self.at:%Y-%m-%d %H:%M}"
