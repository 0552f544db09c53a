"""What a recharge partner says about a unit: was it credited, and when (requirement F6)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.orders.models import Unit

from .closing import closed_once
from .requests import RefundRequest


class ProviderAnswer(models.TextChoices):
    CREDITED = "credited", _("Credited")
    NOT_CREDITED = "not_credited", _("Not credited")
    UNKNOWN = "unknown", _("Not known to the provider")


class ProviderCheck(models.Model):
    """A question to the provider and its one answer: third-party evidence, never changed once it is there.

    Asked over the signed call it is tried until it is answered or given up (`next_try_at` is null then), and a person
    can write down an answer that came by letter. The code asked about stands nowhere in it.
    """

    number = models.CharField(_("number"), max_length=20, unique=True)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="provider_checks")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(_("provider"), max_length=64)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked at"))

    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    error = models.CharField(_("last error"), max_length=64, blank=True)

    answer = models.CharField(_("answer"), max_length=16, choices=ProviderAnswer, blank=True)
    credited_at = models.DateTimeField(_("credited at"), null=True)
    reference = models.CharField(_("provider's reference"), max_length=128, blank=True)
    words = models.TextField(_("the provider's words"), blank=True)  # of an answer written down by a person
    answered_at = models.DateTimeField(_("answered at"), null=True)
    written_by = models.ForeignKey(  # who wrote the answer down; null where the provider's machine gave it
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    answer_hash = models.CharField(_("SHA-256 of the answer"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("provider check")
        verbose_name_plural = _("provider checks")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    answered_at__isnull=True, answer="", credited_at__isnull=True, answer_hash="", words=""
                )
                | Q(answered_at__isnull=False, answer__in=ProviderAnswer.values, next_try_at__isnull=True)
                & ~Q(answer_hash=""),
                name="provider_answers_whole",
            ),
            models.CheckConstraint(
                condition=Q(credited_at__isnull=True) | Q(answer=ProviderAnswer.CREDITED),
                name="provider_dates_a_credit",
            ),
            models.UniqueConstraint(
                fields=["request", "unit"],
                condition=Q(answered_at__isnull=True),
                name="provider_asked_once_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="provider_to_ask", condition=Q(next_try_at__isnull=False)
            )
        ]
        triggers = closed_once(
            "answered_at", ["number", "request_id", "unit_id", "provider", "asked_by_id", "asked_at"]
        )

    def __str__(self) -> str:
        return self.number
