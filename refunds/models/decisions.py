"""What the policy decided, and what one person proposed for another to confirm."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from ..faults import Fault
from .policies import PolicyVersion
from .requests import RefundRequest

# A proposal for an earlier step is void as it is written; one for the step to come is named by the move that makes it
# (MOVE_NAMES_PROPOSER). Who proposed cannot decide any more: a case they have in hand waits for another. All in one
# write of the request: written twice in a transaction, its foreign keys are looked at again when that commits, which
# waits for whoever has locked the buyer or the order and waits for the request.
NAME_THE_PROPOSER = """
    INSERT INTO refunds_hold (request_id, user_id, held_at, ended_at, ending, by_id, note)
    SELECT id, holder_id, held_at, greatest(NEW.at, held_at), 'proposed', holder_id, '' FROM refunds_refundrequest
    WHERE id = NEW.request_id AND sequence = NEW.sequence AND holder_id = NEW.by_id;
    UPDATE refunds_refundrequest SET proposer_id = NEW.by_id,
        holder_id = CASE WHEN holder_id <> NEW.by_id THEN holder_id END,
        held_at = CASE WHEN holder_id <> NEW.by_id THEN held_at END,
        held_until = CASE WHEN holder_id <> NEW.by_id THEN held_until END
    WHERE id = NEW.request_id AND sequence = NEW.sequence;
    RETURN NEW;
"""


class Decision(models.Model):
    """What the policy said, whole: facts, findings, version (requirement J2). Kept for back-tests, never changed."""

    # In place of two indexes one that also finds a request's last decision, and a back-test's cases, without a row read.
    request = models.ForeignKey(
        RefundRequest, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(_("at"))
    outcome = models.CharField(_("outcome"), max_length=12)
    amount = models.BigIntegerField(_("amount"))
    one_click = models.BooleanField(default=False)
    facts = models.JSONField()
    findings = models.JSONField()
    would_change = models.JSONField()

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [
            models.Index(fields=["request", "-id"], include=["policy", "at"], name="decision_last"),
        ]
        triggers = append_only()


class Proposal(models.Model):
    """An approval above the two-person limit, waiting for the second person; any move of the request voids it."""

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="proposals")
    sequence = models.PositiveIntegerField()
    amount = models.BigIntegerField(_("amount"))
    clause = models.CharField(_("clause"), max_length=16, blank=True)
    note = models.TextField(_("note"))
    fault = models.CharField(
        _("fault"), max_length=8, choices=Fault, blank=True
    )  # a seller who agrees names none
    shares = models.JSONField(_("shares of the fault"), null=True)
    deviation = models.TextField(_("why it departs from the precedents"), blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "sequence"], name="one_proposal_at_a_time")]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="names_its_proposer",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                func=NAME_THE_PROPOSER,
            ),
        ]
