"""Many cases decided with one form (requirement K1): what was seen before, and what became of each."""

import pgtrigger
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ..machine import State
from .closing import closed_once
from .requests import RefundRequest

ROWS_AT_MOST = 200  # more than that nobody looks through before pressing


class BulkMove(models.TextChoices):
    """What can be done to many cases at once. The words are those of the single case."""

    APPROVE = "approve", _("Approve in full")
    REJECT = "reject", _("Reject")
    ASK_EVIDENCE = "ask_evidence", _("Ask for evidence")
    RESUME = "resume", _("Resume the review")
    TAKE_OVER = "take_over", _("Take over")
    HEAR_APPEAL = "hear_appeal", _("Hear the appeal")
    ESCALATE = "escalate", _("Take to arbitration")
    REFER = "refer", _("Refer to arbitration")
    EXTEND = "extend", _("Put the deadline off")


class BulkOutcome(models.TextChoices):
    DONE = "done", _("Carried out")
    PROPOSED = "proposed", _("Proposed")  # above the limit: a second person confirms
    REFUSED = "refused", _("Refused")


# Each ticked case has its row, and each row its outcome, before a run may be called finished: nothing is skipped silently.
FINISHED_WHOLE = """
    IF NEW.finished_at IS NOT NULL AND NEW.ticked <>
        (SELECT count(*) FILTER (WHERE outcome <> '') FROM refunds_bulkrow WHERE run_id = NEW.id) THEN
        RAISE EXCEPTION 'run % is not finished: not each of its % rows has an outcome', NEW.id, NEW.ticked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bulk_run_finished_whole';
    END IF;
    RETURN NEW;
"""


class BulkRun(models.Model):
    """One form for many cases: looked at, confirmed, and run. Who changes what was typed looks again: another run."""

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    move = models.CharField(_("move"), max_length=16, choices=BulkMove)
    said = models.JSONField(_("what was said"), encoder=DjangoJSONEncoder)  # the operation's arguments
    language = models.CharField(max_length=8)  # in which the results are written
    cases = models.JSONField()  # the keys of those that were ticked, in their order
    ticked = models.PositiveSmallIntegerField(_("ticked"))
    previewed_at = models.DateTimeField(_("looked at"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("bulk run")
        verbose_name_plural = _("bulk runs")
        constraints = [
            models.CheckConstraint(
                condition=Q(ticked__gte=1, ticked__lte=ROWS_AT_MOST), name="bulk_run_of_few"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(confirmed_at__isnull=False),
                name="bulk_run_confirmed_first",
            ),
        ]
        indexes = [
            models.Index(
                fields=["confirmed_at"],
                name="bulk_run_unfinished",
                condition=Q(confirmed_at__isnull=False, finished_at__isnull=True),
            ),
            models.Index(
                fields=["previewed_at"], name="bulk_run_looked_at", condition=Q(confirmed_at__isnull=True)
            ),
        ]
        triggers = [
            *closed_once(
                "finished_at", ["by_id", "move", "said", "language", "cases", "ticked", "previewed_at"]
            ),
            pgtrigger.Trigger(
                name="finished_whole",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func=FINISHED_WHOLE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_move_display()} {self.pk}"


class BulkRow(models.Model):
    """One case of a run: what the preview saw of it and said would happen, and what happened, once."""

    run = models.ForeignKey(BulkRun, on_delete=models.PROTECT, related_name="rows")
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="+")
    sequence = models.PositiveIntegerField()  # of the case as it was seen
    state = models.CharField(max_length=20, choices=State)  # in which it was seen
    foreseen = models.CharField(max_length=8, choices=BulkOutcome)
    to_state = models.CharField(max_length=20, choices=State, blank=True)  # in which it would be then
    amount = models.BigIntegerField(null=True)  # minor units that go back
    due_at = models.DateTimeField(null=True)  # its clock then
    told = models.JSONField(default=list)  # which sides hear of it
    outcome = models.CharField(_("outcome"), max_length=8, choices=BulkOutcome, blank=True)
    code = models.CharField(max_length=32, blank=True)  # of the refusal, foreseen or met
    text = models.TextField(_("why not"), blank=True)
    at = models.DateTimeField(_("at"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "request"], name="bulk_row_once"),
            models.CheckConstraint(
                condition=Q(outcome="", at__isnull=True) | ~Q(outcome="") & Q(at__isnull=False),
                name="bulk_row_has_an_end",
            ),
            models.CheckConstraint(
                condition=~Q(outcome=BulkOutcome.REFUSED) | ~Q(code="") & ~Q(text=""),
                name="bulk_row_says_why_not",
            ),
        ]
        indexes = [models.Index(fields=["run", "outcome"], name="bulk_row_by_outcome")]
        triggers = closed_once(
            "at",
            ["run_id", "request_id", "sequence", "state", "foreseen", "to_state", "amount", "due_at", "told"],
        )
