"""Known answers, and what reviewers said to them without knowing (requirement K4). Nothing here touches a case."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only

from ..faults import FORCES_REFUND, Fault, Outcome
from .closing import closed_once
from .requests import RefundRequest

# What may still be decided otherwise is no known answer.
OF_A_CLOSED_CASE = """
    IF NOT EXISTS (
        SELECT 1 FROM refunds_refundrequest r WHERE r.id = NEW.request_id AND r.state IN ('refunded', 'rejected')
           AND NEW.high <= r.amount AND (NEW.outcome <> 'approve' OR NEW.low = r.amount))
    OR EXISTS (SELECT 1 FROM refunds_appeal a WHERE a.request_id = NEW.request_id AND a.decided_at IS NULL)
    OR NOT EXISTS (
        SELECT 1 FROM refunds_transition t WHERE t.request_id = NEW.request_id AND t.sequence = NEW.sequence
           AND t.from_state = 'manual_review' AND t.event IN ('approve', 'reject', 'refer')) THEN
        RAISE EXCEPTION 'a known answer is that of a closed case which a reviewer had in hand'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'known_of_a_closed_case';
    END IF;
    RETURN NEW;
"""
# Who had a hand in a case is not measured by it.
TOOK_PART = """
    EXISTS (SELECT 1 FROM refunds_transition x WHERE x.request_id = {request} AND x.user_id = {user})
    OR EXISTS (SELECT 1 FROM refunds_proposal x WHERE x.request_id = {request} AND x.by_id = {user})
    OR EXISTS (SELECT 1 FROM refunds_judgement x WHERE x.request_id = {request} AND x.by_id = {user})
    OR EXISTS (SELECT 1 FROM refunds_message x WHERE x.request_id = {request} AND x.user_id = {user})
    OR EXISTS (SELECT 1 FROM refunds_evidence x WHERE x.request_id = {request} AND x.user_id = {user})
    OR EXISTS (SELECT 1 FROM refunds_providercheck x
               WHERE x.request_id = {request} AND {user} IN (x.asked_by_id, x.written_by_id))
    OR EXISTS (SELECT 1 FROM refunds_flag x WHERE x.request_id = {request} AND x.cleared_by_id = {user})
    OR EXISTS (SELECT 1 FROM refunds_appeal x
               WHERE x.request_id = {request} AND {user} IN (x.decided_by_id, x.proposed_by_id))
    OR EXISTS (SELECT 1 FROM refunds_panelmember x
               WHERE x.request_id = {request} AND {user} IN (x.arbiter_id, x.appointed_by_id))
    OR EXISTS (SELECT 1 FROM refunds_deadline d JOIN refunds_extension x ON x.deadline_id = d.id
               WHERE d.request_id = {request} AND x.user_id = {user})
"""
BLIND = f"""
    SELECT request_id, marked_by_id, withdrawn_at INTO known FROM refunds_knownanswer WHERE id = NEW.known_id;
    IF known.withdrawn_at IS NOT NULL OR known.marked_by_id = NEW.user_id
       OR {TOOK_PART.format(request="known.request_id", user="NEW.user_id")} THEN
        RAISE EXCEPTION 'a trial is blind: its reviewer had no hand in the case'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'trial_is_blind';
    END IF;
    RETURN NEW;
"""


class KnownAnswer(models.Model):
    """How a closed case should have been decided, as a supervisor says. Withdrawn where that proves wrong: its trials
    count no more.

    `sequence` is the move a reviewer made: a trial shows what stood before it. What goes back lies from `low` to `high`
    minor units; both are 0 for the seller, and all that was asked for the buyer in full.
    """

    request = models.ForeignKey(
        RefundRequest,
        on_delete=models.PROTECT,
        related_name="known_answers",
        verbose_name=_("refund request"),
    )
    sequence = models.PositiveIntegerField()
    outcome = models.CharField(_("right outcome"), max_length=8, choices=Outcome)
    low = models.BigIntegerField(_("at least"))
    high = models.BigIntegerField(_("at most"))
    fault = models.CharField(_("fault"), max_length=8, choices=Fault)
    why = models.TextField(_("why"))
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("marked by")
    )
    marked_at = models.DateTimeField(_("marked at"))
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)
    withdrawn_why = models.TextField(_("why it was withdrawn"), blank=True)

    class Meta:
        verbose_name = _("known answer")
        verbose_name_plural = _("known answers")
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=Q(withdrawn_at__isnull=True), name="one_known_answer_a_case"
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.REJECT, low=0, high=0) & ~Q(fault__in=sorted(FORCES_REFUND))
                | Q(outcome=Outcome.APPROVE, low__gt=0, high=F("low"))
                | Q(outcome=Outcome.PART, low__gt=0, high__gte=F("low")),
                name="known_answer_amount_by_outcome",
            ),
            models.CheckConstraint(condition=Q(fault__in=Fault.values), name="known_answer_names_a_fault"),
            models.CheckConstraint(condition=~Q(why=""), name="known_answer_says_why"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True, withdrawn_why="")
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_why=""),
                name="known_answer_withdrawn_with_reasons",
            ),
        ]
        triggers = [
            *closed_once(
                "withdrawn_at",
                ["request_id", "sequence", "outcome", "low", "high", "fault", "why", "marked_by_id", "marked_at"],
            ),
            pgtrigger.Trigger(
                name="of_a_closed_case",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func=OF_A_CLOSED_CASE,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.request.number

    @property
    def is_standing(self) -> bool:
        return self.withdrawn_at is None


class Trial(models.Model):
    """A known case put before a reviewer as if it were new, under a `number` of its own that looks like any other."""

    known = models.ForeignKey(KnownAnswer, on_delete=models.PROTECT, related_name="trials")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("reviewer")
    )
    number = models.CharField(max_length=20, unique=True)
    started_at = models.DateTimeField(_("given at"))

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        constraints = [models.UniqueConstraint(fields=["user", "known"], name="one_trial_a_reviewer")]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="is_blind",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("known", "record")],
                func=BLIND,
            ),
        ]

    def __str__(self) -> str:
        return self.number


class TrialAnswer(models.Model):
    """What the reviewer decided: a judgement that judges nothing. `seconds` from the trial's start; never changed.

    PASSED: they did something else than decide, which would have kept a real case open.
    """

    PASSED = "passed"
    OUTCOMES = [*Outcome.choices, (PASSED, _("Not decided"))]

    trial = models.OneToOneField(Trial, on_delete=models.PROTECT, related_name="answer")
    at = models.DateTimeField(_("at"))
    seconds = models.PositiveIntegerField(_("seconds taken"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=OUTCOMES)
    amount = models.BigIntegerField(_("amount"))
    fault = models.CharField(_("fault"), max_length=8, choices=Fault, blank=True)
    clause = models.CharField(_("clause"), max_length=16, blank=True)
    note = models.TextField(_("reasons"), blank=True)

    class Meta:
        verbose_name = _("trial's answer")
        verbose_name_plural = _("trials' answers")
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="passed", amount=0, fault="")
                | Q(outcome=Outcome.REJECT, amount=0, fault__in=Fault.values)
                & ~Q(fault__in=sorted(FORCES_REFUND))
                | Q(outcome__in=[Outcome.APPROVE, Outcome.PART], amount__gt=0, fault__in=Fault.values),
                name="trial_answered_like_a_judgement",
            )
        ]
        triggers = append_only()
