"""A draft of the rules tried on cases that are decided: the run, its parts, and what would have ended otherwise (J6)."""

from typing import Any, cast

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from marketplace.orders.goods import GoodsType

from .closing import closed_once
from .drafts import PolicyDraft
from .requests import RefundRequest

MAX_SAMPLE = 10_000_000
# A part is judged once: what it found stays, whoever comes after a worker that was killed.
JUDGED_ONCE = """
    IF OLD.judged_at IS NOT NULL THEN
        RAISE EXCEPTION 'part % of back-test % is judged already', OLD.number, OLD.run_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'backtest_part_once';
    END IF;
    RETURN NEW;
"""


class BacktestRun(models.Model):
    """One run. It keeps the terms it was made with, so that a draft edited meanwhile changes nothing in it.

    The cases are the last decisions, up to `as_of`, of requests for `goods_type`, made from `since` to before `until`;
    of these, where `sample` is given, the ones with the lowest lots that `seed` draws, up to `highest_lot`. The same
    row names the same cases whenever it is read.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting for its turn")
        RUNNING = "running", _("Cases are being judged")
        DONE = "done", _("Finished")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN = (State.QUEUED, State.RUNNING)

    draft = models.ForeignKey(
        PolicyDraft, on_delete=models.PROTECT, related_name="backtests", verbose_name=_("draft")
    )
    goods_type = models.CharField(_("goods type"), max_length=32, choices=GoodsType)
    terms = models.JSONField(_("terms"))
    digest = models.CharField(_("SHA-256 of the terms"), max_length=64)
    since = models.DateTimeField(_("decided from"))
    until = models.DateTimeField(_("decided before"))
    sample = models.PositiveIntegerField(_("sample"), null=True)
    seed = models.IntegerField(_("seed"), default=1)

    state = models.CharField(_("state"), max_length=12, choices=State, default=State.QUEUED)
    queued_at = models.DateTimeField(_("asked for at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    started_at = models.DateTimeField(_("started at"), null=True)
    taken_up = models.PositiveSmallIntegerField(default=0)  # by a worker; more than once where one was killed
    as_of = models.BigIntegerField(null=True)  # id of the last decision looked at
    highest_lot = models.BigIntegerField(null=True)
    planned = models.PositiveIntegerField(_("cases to judge"), null=True)

    finished_at = models.DateTimeField(_("finished at"), null=True)
    cases = models.PositiveIntegerField(_("cases judged"), null=True)
    flipped = models.PositiveIntegerField(_("would have ended otherwise"), null=True)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("back-test")
        verbose_name_plural = _("back-tests")
        constraints = [
            models.UniqueConstraint(
                fields=["draft"], condition=Q(state__in=("queued", "running")), name="one_backtest_a_draft"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("queued", "running"), finished_at__isnull=True)
                | Q(state__in=("done", "failed", "cancelled"), finished_at__isnull=False),
                name="backtest_finished_or_not",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="done", cases__isnull=False, flipped__isnull=False, result__isnull=False, error=""
                )
                & Q(flipped__lte=F("cases"))
                | ~Q(state="done") & Q(cases__isnull=True, flipped__isnull=True, result__isnull=True),
                name="backtest_done_with_its_result",
            ),
            models.CheckConstraint(
                condition=Q(since__lt=F("until")) & (Q(sample__isnull=True) | Q(sample__gt=0)),
                name="backtest_over_something",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="backtest_open", condition=Q(state__in=("queued", "running")))
        ]
        triggers = closed_once(
            "finished_at",
            ["draft_id", "goods_type", "terms", "digest", "since", "until", "sample", "seed", "queued_at", "by_id"],
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.goods_type} #{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def found(self) -> dict[str, Any]:
        """What a finished run found: lab.result."""
        assert self.result is not None
        return cast(dict[str, Any], self.result)

    @property
    def drift(self) -> float:
        """Percent of the cases that would have ended otherwise; nothing of nothing is 0."""
        return 100 * (self.flipped or 0) / self.cases if self.cases else 0.0

    @property
    def drift_at_most(self) -> float:
        """The same if every case that could not be read would have ended otherwise: nobody knows that they would not."""
        unreadable = self.found["unreadable"]
        looked_at = (self.cases or 0) + unreadable
        return 100 * ((self.flipped or 0) + unreadable) / looked_at if looked_at else 0.0


class BacktestPart(models.Model):
    """Requests from `first` to `last` that one process judges in one transaction, together with what it found."""

    run = models.ForeignKey(BacktestRun, on_delete=models.PROTECT, related_name="parts")
    number = models.PositiveIntegerField()
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    planned = models.PositiveIntegerField()
    judged_at = models.DateTimeField(null=True)
    tally = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="backtest_part_number"),
            models.CheckConstraint(
                condition=Q(judged_at__isnull=True, tally__isnull=True)
                | Q(judged_at__isnull=False, tally__isnull=False),
                name="backtest_part_whole",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="judged_once", operation=pgtrigger.Update, when=pgtrigger.Before, func=JUDGED_ONCE
            )
        ]


class BacktestFlip(models.Model):
    """A case that would have ended otherwise. Amounts are minor units that go back to the buyer; `before` is what did,
    `after` is null where people would have decided, and both are where the case is open still.
    """

    run = models.ForeignKey(BacktestRun, on_delete=models.PROTECT, related_name="flips")
    request = models.ForeignKey(
        RefundRequest, on_delete=models.PROTECT, related_name="+", verbose_name=_("refund request")
    )
    was = models.CharField(_("was"), max_length=12)
    would_be = models.CharField(_("would be"), max_length=12)
    reason = models.CharField(_("reason"), max_length=32)
    currency = models.CharField(_("currency"), max_length=3)
    before = models.BigIntegerField(_("paid back"), null=True)
    after = models.BigIntegerField(_("would be paid back"), null=True)
    # The findings that settled it, as decisions keep them; null where nothing did and the seller is asked.
    decided_by = models.JSONField(null=True)
    would_be_decided_by = models.JSONField(null=True)

    class Meta:
        verbose_name = _("flipped case")
        verbose_name_plural = _("flipped cases")
        constraints = [
            models.UniqueConstraint(fields=["run", "request"], name="flip_once_a_run"),
            models.CheckConstraint(condition=~Q(was=F("would_be")), name="flip_is_a_difference"),
        ]
        indexes = [models.Index(fields=["run", "id"], name="flip_by_run")]
        triggers = append_only()

    @property
    def difference(self) -> int | None:
        return None if self.before is None or self.after is None else self.after - self.before


class DraftTested(models.Model):
    """What a version was published upon: the run over its very terms, and the reason where it drifted too far."""

    draft = models.OneToOneField(PolicyDraft, on_delete=models.PROTECT, related_name="tested")
    run = models.ForeignKey(BacktestRun, on_delete=models.PROTECT, related_name="+")
    limit_percent = models.FloatField(_("limit of the drift"))
    is_over = models.BooleanField(_("over the limit"))
    note = models.TextField(_("reasons"), blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_over=False, note="") | Q(is_over=True) & ~Q(note=""),
                name="drift_above_the_limit_has_a_reason",
            )
        ]
        triggers = append_only()
