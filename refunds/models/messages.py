"""What is said in a case."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from ..machine import Party
from .requests import RefundRequest


class Message(models.Model):
    """Something said in the case; internal ones are for staff alone. Never changed (requirement F4)."""

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="messages")
    author = models.CharField(_("by"), max_length=16, choices=Party)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    text = models.TextField(_("text"))
    is_internal = models.BooleanField(_("internal"), default=False)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        triggers = append_only()
