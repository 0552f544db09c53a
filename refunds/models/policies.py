"""The rules as published."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from marketplace.orders.goods import GoodsType


class PolicyVersion(models.Model):
    """Terms of one goods type as published; in force from a day on, never edited (requirement J5)."""

    goods_type = models.CharField(_("goods type"), max_length=32, choices=GoodsType)
    version = models.PositiveIntegerField(_("version"))
    terms = models.JSONField(_("terms"))  # validated by refunds.policy.Terms
    in_force_at = models.DateTimeField(_("in force from"))
    published_at = models.DateTimeField(_("published at"))

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        constraints = [models.UniqueConstraint(fields=["goods_type", "version"], name="policy_version_once")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.goods_type}@{self.version}"
