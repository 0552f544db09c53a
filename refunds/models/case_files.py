"""That a case file was made: for whom it was made, by whom, and what its hashes are."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from .requests import RefundRequest


class Reader(models.TextChoices):
    """Whose view of the case a file shows, and who may make one."""

    STAFF = "staff", _("Staff")
    SELLER = "seller", _("Seller")
    BUYER = "buyer", _("Buyer")


class CaseFileMade(models.Model):
    """One making of a case file (requirement D6): a copy that turns up later is known by its hash. Never changed."""

    class Form(models.TextChoices):
        PDF = "pdf", "PDF"
        ZIP = "zip", "ZIP"

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="case_files")
    purpose = models.CharField(_("prepared for"), max_length=16)
    language = models.CharField(_("language"), max_length=8)
    form = models.CharField(_("form"), max_length=3, choices=Form)
    is_internal = models.BooleanField(_("with internal notes"), default=False)
    by = models.CharField(_("by"), max_length=8, choices=Reader)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("at"))
    manifest_sha256 = models.CharField(_("SHA-256 of the manifest"), max_length=64)
    pdf_sha256 = models.CharField(_("SHA-256 of the PDF"), max_length=64)

    class Meta:
        verbose_name = _("case file")
        verbose_name_plural = _("case files")
        constraints = [
            models.CheckConstraint(
                condition=Q(by="buyer", user__isnull=True) | (~Q(by="buyer") & Q(user__isnull=False)),
                name="case_file_names_its_maker",
            ),
            # What staff note among themselves leaves in no file of a side's.
            models.CheckConstraint(
                condition=Q(is_internal=False) | Q(by="staff"), name="case_file_internal_by_staff"
            ),
        ]
        triggers = append_only()
