"""What people and machines are told, how it goes out to them, and what they do not want to be told that way."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.orders.models import Shop
from sellers.models import Seller

from .topics import OPTIONAL_GROUPS, TOPIC_CHOICES, RecipientKind, Way

GROUP_CHOICES = [(name, group.label) for name, group in OPTIONAL_GROUPS.items()]


class Notice(models.Model):
    """Something told to somebody, once: telling the same again finds the row there (requirement F11).

    `data` holds codes, numbers, amounts and instants for the texts, and the reasons staff gave both sides with a move,
    masked; never a card code, an account, or what a side wrote.
    """

    recipient_kind = models.CharField(_("recipient"), max_length=8, choices=RecipientKind)
    recipient_id = models.BigIntegerField(_("recipient's id"))
    topic = models.CharField(_("topic"), max_length=24, choices=TOPIC_CHOICES)
    source = models.CharField(_("told by"), max_length=64)  # "RF…:7": the seventh move of that request
    subject = models.CharField(_("about"), max_length=32)  # its number
    data = models.JSONField(_("data"))
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    created_at = models.DateTimeField(_("told at"))
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "topic", "recipient_kind", "recipient_id"], name="notice_once"
            ),
        ]
        indexes = [
            models.Index(fields=["recipient_kind", "recipient_id", "-id"], name="notice_by_recipient"),
            models.Index(
                fields=["recipient_kind", "recipient_id"],
                name="notice_unread",
                condition=Q(read_at__isnull=True),
            ),
            models.Index(fields=["subject", "-created_at"], name="notice_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.topic}"


class Endpoint(models.Model):
    """Where a shop or a seller wants its notices sent: a Standard Webhooks receiver.

    While a rotation lasts there are two secrets, and each message is signed with both.
    """

    class Why(models.TextChoices):
        OWNER = "owner", _("Switched off by its owner")
        STAFF = "staff", _("Switched off by staff")
        GONE = "gone", _("The receiver answered that it is gone for good (410)")

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, null=True, related_name="endpoints")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, null=True, related_name="endpoints")
    url = models.CharField(_("address"), max_length=500)
    sealed_secret = models.BinaryField()  # whsec_… sealed under context "endpoint:<owner>"
    sealed_former = models.BinaryField(null=True)
    former_until = models.DateTimeField(_("former secret valid until"), null=True)
    disabled_at = models.DateTimeField(_("switched off at"), null=True)
    disabled_reason = models.CharField(_("switched off because"), max_length=8, choices=Why, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        constraints = [
            models.CheckConstraint(
                condition=Q(shop__isnull=True, seller__isnull=False)
                | Q(shop__isnull=False, seller__isnull=True),
                name="endpoint_has_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(sealed_former__isnull=True) | Q(former_until__isnull=False),
                name="former_secret_ends",
            ),
            models.CheckConstraint(
                condition=Q(disabled_at__isnull=True, disabled_reason="")
                | (Q(disabled_at__isnull=False) & ~Q(disabled_reason="")),
                name="endpoint_disabled_for_a_reason",
            ),
            models.UniqueConstraint(
                fields=["shop", "seller", "url"], name="endpoint_once_per_owner", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def owner(self) -> str:
        """Who it belongs to, as the context its secrets are sealed under."""
        return f"seller:{self.seller_id}" if self.seller_id else f"shop:{self.shop_id}"


class DeliveryState(models.TextChoices):
    QUEUED = "queued", _("Waiting to be sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Refused for good")  # by the other side, or nothing is left to send it to
    DEAD = "dead", _("Given up")  # tried as often as senders/ways.py says


class Delivery(models.Model):
    """A notice on one of its ways out. The address is looked up when it is sent, so that a new one counts."""

    State = DeliveryState

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="deliveries")
    way = models.CharField(_("way"), max_length=8, choices=Way)
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.PROTECT, null=True, related_name="deliveries", verbose_name=_("endpoint")
    )
    user = models.ForeignKey(  # whom of a seller's people, or of the staff; null for a buyer
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    state = models.CharField(_("state"), max_length=8, choices=DeliveryState, default=DeliveryState.QUEUED)
    attempts = models.PositiveIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try"))
    error = models.CharField(_("what went wrong"), max_length=300, blank=True)
    status = models.PositiveSmallIntegerField(_("answer's status"), null=True)
    created_at = models.DateTimeField(_("created at"))
    sent_at = models.DateTimeField(_("sent at"), null=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["notice", "way", "endpoint", "user"], name="delivery_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(way=Way.WEBHOOK, endpoint__isnull=False)
                | (~Q(way=Way.WEBHOOK) & Q(endpoint__isnull=True)),
                name="webhook_goes_to_an_endpoint",
            ),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.SENT, sent_at__isnull=False)
                | (~Q(state=DeliveryState.SENT) & Q(sent_at__isnull=True)),
                name="sent_at_its_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"], name="delivery_due", condition=Q(state=DeliveryState.QUEUED)
            ),
            models.Index(
                fields=["endpoint", "-id"], name="delivery_log", condition=Q(endpoint__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice} {self.way}"


class Preference(models.Model):
    """A way somebody does not want for one group of topics. What is not here is wanted."""

    recipient_kind = models.CharField(max_length=8, choices=RecipientKind)
    recipient_id = models.BigIntegerField()
    way = models.CharField(_("way"), max_length=8, choices=[(w.value, w.label) for w in (Way.EMAIL, Way.SMS)])
    group = models.CharField(_("topics"), max_length=16, choices=GROUP_CHOICES)
    set_at = models.DateTimeField(_("set at"))

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = [
            models.UniqueConstraint(
                fields=["recipient_kind", "recipient_id", "way", "group"], name="preference_once"
            ),
            # Decisions and deadlines cannot be turned off, whatever a form posts.
            models.CheckConstraint(
                condition=Q(group__in=sorted(OPTIONAL_GROUPS)), name="only_what_is_optional_is_turned_off"
            ),
        ]
