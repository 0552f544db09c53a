"""Files in a case (requirement D): what was given, and by whom."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from marketplace.kernel.language import is_english

from ..machine import Party
from ..policy import EVIDENCE_KINDS
from .requests import RefundRequest


def _label(code: str) -> str:
    kind = EVIDENCE_KINDS[code]
    return kind.en if is_english() else kind.zh


kind_label = lazy(_label, str)
KIND_CHOICES = [(code, kind_label(code)) for code in EVIDENCE_KINDS]
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png", "image/webp", "video/mp4")
MOST_BYTES = 256 * 1024 * 1024  # no setting reaches beyond
MOST_FILES = 300

models.BinaryField.register_lookup(Length)


class Evidence(models.Model):
    """One file as it is kept. `by` is whose evidence it is, `user` the person who put it in. Never changed."""

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="evidence")
    position = models.PositiveSmallIntegerField(_("number"))  # in its case, from 1
    kind = models.CharField(_("kind"), max_length=32, choices=KIND_CHOICES)
    by = models.CharField(_("by"), max_length=16, choices=Party)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(_("note"), blank=True)
    name = models.CharField(_("file name"), max_length=100)  # cleaned, ending as the content does
    media_type = models.CharField(_("type"), max_length=32)
    size = models.PositiveIntegerField(_("size"))  # bytes kept
    width = models.PositiveIntegerField(null=True)  # pixels of an image
    height = models.PositiveIntegerField(null=True)
    pages = models.PositiveIntegerField(null=True)  # of a document
    original_sha256 = models.BinaryField(max_length=32)  # of the bytes that were sent
    sha256 = models.BinaryField(max_length=32)  # of the bytes that are kept
    dhash = models.BigIntegerField(null=True)  # of an image with structure (evidence/similar.py)
    bands = ArrayField(models.IntegerField(), default=list)
    key = models.CharField(max_length=100, unique=True)  # in the storage
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        constraints = [
            models.UniqueConstraint(fields=["request", "position"], name="evidence_numbered_once"),
            models.UniqueConstraint(
                fields=["request", "by", "kind", "original_sha256"], name="evidence_given_once"
            ),
            models.CheckConstraint(
                condition=Q(position__gte=1, position__lte=MOST_FILES), name="evidence_position_in_bounds"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=sorted(EVIDENCE_KINDS)), name="evidence_of_a_known_kind"
            ),
            models.CheckConstraint(condition=Q(media_type__in=MEDIA_TYPES), name="evidence_of_a_known_type"),
            models.CheckConstraint(
                condition=Q(size__gte=1, size__lte=MOST_BYTES), name="evidence_size_in_bounds"
            ),
            models.CheckConstraint(
                condition=Q(original_sha256__length=32, sha256__length=32), name="evidence_has_its_hashes"
            ),
            models.CheckConstraint(
                # What is null is asked for by name: a comparison with it would let the row pass.
                condition=Q(
                    media_type__startswith="image/",
                    width__isnull=False,
                    height__isnull=False,
                    width__gte=1,
                    height__gte=1,
                    pages__isnull=True,
                )
                | Q(
                    media_type="application/pdf",
                    pages__isnull=False,
                    pages__gte=1,
                    width__isnull=True,
                    height__isnull=True,
                )
                | Q(media_type="video/mp4", pages__isnull=True, width__isnull=True, height__isnull=True),
                name="evidence_measured_by_its_type",
            ),
            models.CheckConstraint(
                condition=Q(dhash__isnull=True, bands__len=0)
                | Q(dhash__isnull=False, bands__len=4, media_type__startswith="image/"),
                name="evidence_hash_with_its_bands",
            ),
            # A buyer's file may be put in by staff for them; everybody else's has its person.
            models.CheckConstraint(
                condition=Q(by=Party.BUYER) | (~Q(by=Party.SYSTEM) & Q(user__isnull=False)),
                name="evidence_names_its_giver",
            ),
        ]
        indexes = [
            models.Index(fields=["original_sha256"], name="evidence_by_original"),
            models.Index(fields=["sha256"], name="evidence_by_kept"),
            GinIndex(fields=["bands"], name="evidence_by_bands", fastupdate=False),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.request_id}/{self.position}"

    @property
    def is_image(self) -> bool:
        return self.media_type.startswith("image/")

    @property
    def shown_inline(self) -> bool:
        """Images only: a browser shows a sandboxed PDF as an error, and plays no video without ranges."""
        return self.is_image


class PendingFile(models.Model):
    """A file that may be in the storage and belongs to no case yet; the row goes when the case takes it.

    What a crash leaves behind is found by this, without listing a bucket. `doomed_at`: it will be removed, and no
    case can take it any more.
    """

    key = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField()
    doomed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="pending_file_by_age")]
