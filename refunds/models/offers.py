"""What the two sides offer each other before a person decides (requirements F2, F3)."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from marketplace.orders.models import Unit

from ..machine import Party
from .closing import closed_once
from .requests import RefundRequest

# The move that made an offer is the request's last one while the offer is made, and its amount is known by then.
OFFER_OF_ITS_REQUEST = """
    IF NOT EXISTS (
        SELECT 1 FROM refunds_refundrequest r
        WHERE r.id = NEW.request_id AND r.state = 'awaiting_buyer' AND r.sequence = NEW.sequence
          AND (NEW.amount IS NULL OR NEW.amount < r.amount)
    ) THEN
        RAISE EXCEPTION 'offer_of_its_request: an offer is made by its move, and a part is less than all'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class OfferKind(models.TextChoices):
    PARTIAL = "partial", _("Part of the amount")
    REPLACEMENT = "replacement", _("Replacement")
    PROMISE = "promise", _("Promise")


class OfferAnswer(models.TextChoices):
    """How an offer ended. KEPT and BROKEN are said of promises; LAPSED: nobody answered, or the case went on."""

    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    LAPSED = "lapsed", _("Lapsed")
    KEPT = "kept", _("Kept")
    BROKEN = "broken", _("Broken")


class Offer(models.Model):
    """A seller's offer, waiting for the buyer. What was answered is never changed (requirement F2).

    `sequence` is the move that made it. It is open exactly as long as the request waits for the buyer: a trigger on
    the request, checked at commit, holds whoever moves it on to end the offer too.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="offers")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(_("kind"), max_length=12, choices=OfferKind)
    amount = models.BigIntegerField(_("amount"), null=True)  # minor units; of a part alone
    promised_for = models.DateTimeField(_("promised for"), null=True)  # of a promise alone
    note = models.TextField(_("note"), blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))
    answer = models.CharField(_("answer"), max_length=8, choices=OfferAnswer, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            models.UniqueConstraint(fields=["request", "sequence"], name="offer_once_per_move"),
            models.UniqueConstraint(
                fields=["request"], condition=Q(answered_at__isnull=True), name="one_open_offer"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind=OfferKind.PARTIAL, amount__isnull=False, amount__gt=0, promised_for__isnull=True
                )
                | Q(kind=OfferKind.REPLACEMENT, amount__isnull=True, promised_for__isnull=True)
                | Q(
                    kind=OfferKind.PROMISE,
                    amount__isnull=True,
                    promised_for__isnull=False,
                    promised_for__gt=models.F("at"),
                ),
                name="offer_says_what_its_kind_needs",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True)
                | Q(answered_at__isnull=False)
                & (
                    Q(answer__in=[OfferAnswer.DECLINED, OfferAnswer.LAPSED])
                    | Q(answer=OfferAnswer.ACCEPTED, kind__in=[OfferKind.PARTIAL, OfferKind.REPLACEMENT])
                    | Q(answer__in=[OfferAnswer.KEPT, OfferAnswer.BROKEN], kind=OfferKind.PROMISE)
                ),
                name="offer_answered_by_its_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["request"], name="offer_broken", condition=Q(answer=OfferAnswer.BROKEN))
        ]
        triggers = [
            *closed_once(
                "answered_at",
                ["request_id", "sequence", "kind", "amount", "promised_for", "note", "by_id", "at"],
            ),
            pgtrigger.Trigger(
                name="of_its_request",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func=OFFER_OF_ITS_REQUEST,
            ),
        ]

    @property
    def state(self) -> str:
        """ "open", or how it ended."""
        return self.answer or "open"


class OfferedUnit(models.Model):
    """A new unit offered in place of one the request covers."""

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="units")
    old = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    new = models.OneToOneField(Unit, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offer", "old"], name="offered_once_for_a_unit")]
        triggers = append_only()


class SealedOffer(models.Model):
    """The least a buyer or the most a seller would settle for, in minor units, unseen by the other (requirement F3).

    The number is kept encrypted and is read by operations/seal_offer.py alone, to compare the two: no person sees it.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="sealed_offers")
    party = models.CharField(
        _("by"), max_length=6, choices=[(p, p.label) for p in (Party.BUYER, Party.SELLER)]
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    sealed_amount = models.BinaryField()
    at = models.DateTimeField(_("at"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "party"], name="sealed_once_per_party"),
            models.CheckConstraint(
                condition=Q(party=Party.BUYER, by__isnull=True) | Q(party=Party.SELLER, by__isnull=False),
                name="sealed_by_a_side",
            ),
        ]
        triggers = append_only()
