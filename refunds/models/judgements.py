"""What a person decided and whose fault it was; and the words by which a decided case is found again."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from marketplace.orders.goods import GoodsType

from ..faults import FORCES_REFUND, Fault, Outcome
from ..reasons import REASON_CHOICES
from .requests import RefundRequest

# A ruling by an arbiter is by one who sits over the case, and where more than one does, by most of them (F8).
RULED_BY_ITS_PANEL = """
    IF NOT EXISTS (SELECT 1 FROM refunds_transition t WHERE t.request_id = NEW.request_id
                   AND t.sequence = NEW.sequence AND t.from_state = 'arbitration') THEN
        RETURN NEW;
    END IF;
    SELECT count(*), count(*) FILTER (WHERE (v.amount > 0) = (NEW.amount > 0)) INTO seats, agree
    FROM refunds_panelmember m LEFT JOIN refunds_vote v ON v.member_id = m.id AND v.sequence = NEW.sequence - 1
    WHERE m.request_id = NEW.request_id AND m.left_at IS NULL;
    IF seats > 1 AND agree * 2 <= seats THEN
        RAISE EXCEPTION 'a panel rules by the majority of its votes'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'panel_rules_by_majority';
    END IF;
    IF EXISTS (SELECT 1 FROM refunds_transition t WHERE t.request_id = NEW.request_id
               AND t.sequence = NEW.sequence AND t.actor = 'arbiter')
    AND NOT EXISTS (SELECT 1 FROM refunds_panelmember m WHERE m.request_id = NEW.request_id
                    AND m.arbiter_id = NEW.by_id AND m.left_at IS NULL) THEN
        RAISE EXCEPTION 'an arbiter rules only where appointed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'arbiter_rules_where_appointed';
    END IF;
    RETURN NEW;
"""


class Judgement(models.Model):
    """A decision by a person, with fault attributed (requirement F5). Never changed: an appeal adds another.

    `sequence` is the transition it was made by; migration 0004 adds the foreign key Django cannot declare.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="judgements")
    sequence = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    amount = models.BigIntegerField(_("amount"))  # minor units that go back; 0 for a rejection
    fault = models.CharField(_("fault"), max_length=8, choices=Fault)
    # Where the fault is divided: percent by party, 100 together (CHECK in migration 0007); null where it is not.
    shares = models.JSONField(_("shares of the fault"), null=True)
    clause = models.CharField(_("clause"), max_length=16, blank=True)
    note = models.TextField(_("reasons"))
    deviation = models.TextField(_("why it departs from the precedents"), blank=True)  # requirement F9
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("judgement")
        verbose_name_plural = _("judgements")
        constraints = [
            models.UniqueConstraint(fields=["request", "sequence"], name="judgement_once_per_move"),
            models.CheckConstraint(condition=Q(fault__in=Fault.values), name="judgement_names_a_fault"),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.REJECT, amount=0) & ~Q(fault__in=sorted(FORCES_REFUND))
                | Q(outcome__in=[Outcome.APPROVE, Outcome.PART], amount__gt=0),
                name="judgement_amount_by_outcome",
            ),
        ]
        indexes = [models.Index(fields=["at"], name="judgement_by_time")]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="ruled_by_its_panel",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("seats", "int"), ("agree", "int")],
                func=RULED_BY_ITS_PANEL,
            ),
        ]


class CaseWords(models.Model):
    """A decided case as precedents.py looks for it; derived, so written anew when the case is decided again."""

    request = models.OneToOneField(
        RefundRequest, on_delete=models.PROTECT, primary_key=True, related_name="words"
    )
    judgement = models.OneToOneField(Judgement, on_delete=models.PROTECT, related_name="+")
    goods_type = models.CharField(max_length=32, choices=GoodsType)
    reason = models.CharField(max_length=32, choices=REASON_CHOICES)
    results = models.TextField()  # keys of the policy's findings, by spaces
    tokens = SearchVectorField()

    class Meta:
        indexes = [
            models.Index(fields=["goods_type", "reason", "-judgement"], name="words_by_kind"),
            GinIndex(fields=["tokens"], name="words_by_token", fastupdate=False),
        ]
