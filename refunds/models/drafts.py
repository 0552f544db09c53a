"""A version of the rules before it is one: written by some, published by another (requirements J5, B11)."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.orders.goods import GoodsType

from .closing import never_removed
from .policies import PolicyVersion

# `writers` are the persons who had a hand in it; the row counts them itself, so that none can be left out.
REMEMBERS_ITS_WRITERS = """
    NEW.writers := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE OLD.writers END;
    IF NOT NEW.changed_by_id = ANY (NEW.writers) THEN
        NEW.writers := NEW.writers || NEW.changed_by_id;
    END IF;
    IF NEW.submitted_by_id IS NOT NULL AND NOT NEW.submitted_by_id = ANY (NEW.writers) THEN
        NEW.writers := NEW.writers || NEW.submitted_by_id;
    END IF;
    RETURN NEW;
"""
STEPS = """
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'a draft begins as a draft'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_draft_step';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state IN ('published', 'dropped')
    OR (OLD.goods_type, OLD.created_by_id, OLD.created_at) IS DISTINCT FROM
       (NEW.goods_type, NEW.created_by_id, NEW.created_at) THEN
        RAISE EXCEPTION 'rows of % are history: they are never changed or removed', TG_TABLE_NAME;
    END IF;
    IF OLD.state = 'submitted' AND
       (OLD.terms, OLD.title, OLD.why, OLD.in_force_at, OLD.based_on_id) IS DISTINCT FROM
       (NEW.terms, NEW.title, NEW.why, NEW.in_force_at, NEW.based_on_id) THEN
        RAISE EXCEPTION 'what was submitted is not changed: take it back first'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_draft_frozen';
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('draft', 'draft'), ('draft', 'submitted'), ('draft', 'dropped'),
        ('submitted', 'draft'), ('submitted', 'published'), ('submitted', 'dropped')
    ) THEN
        RAISE EXCEPTION 'a draft does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_draft_step';
    END IF;
    RETURN NEW;
"""
AS_PUBLISHED = """
    IF NOT EXISTS (
        SELECT 1 FROM refunds_policyversion v JOIN refunds_policyversion b ON b.id = NEW.based_on_id
        WHERE v.id = NEW.version_id AND v.version = b.version + 1
        AND (v.goods_type, v.goods_type, v.terms, v.in_force_at, v.published_at) =
            (NEW.goods_type, b.goods_type, NEW.terms, NEW.in_force_at, NEW.published_at)
    ) THEN
        RAISE EXCEPTION 'a published draft names the version that has its terms and follows the one it is based on'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_draft_as_published';
    END IF;
    RETURN NEW;
"""

TRIED = """
    IF NOT EXISTS (
        SELECT 1 FROM refunds_drafttested t JOIN refunds_backtestrun r ON r.id = t.run_id
        WHERE t.draft_id = NEW.id AND r.draft_id = NEW.id AND r.state = 'done' AND r.terms = NEW.terms
    ) THEN
        RAISE EXCEPTION 'a draft is published once its terms were tried on decided cases'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_draft_tried';
    END IF;
    RETURN NEW;
"""


class PolicyDraft(models.Model):
    """What the next version of one goods type's terms is to be. Frozen once submitted; published by another person.

    `terms` are whole and pass refunds.policy.Terms whenever they are kept. `why` is read by everybody once the version is
    published. Of a goods type one draft is open at a time.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Submitted")
        PUBLISHED = "published", _("Published")
        DROPPED = "dropped", _("Dropped")

    OPEN = (State.DRAFT, State.SUBMITTED)

    goods_type = models.CharField(_("goods type"), max_length=32, choices=GoodsType)
    terms = models.JSONField(_("terms"))
    based_on = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, related_name="+", verbose_name=_("based on")
    )
    title = models.CharField(_("title"), max_length=120, blank=True)
    why = models.TextField(_("why"), blank=True)
    in_force_at = models.DateTimeField(_("in force from"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.DRAFT)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("begun by")
    )
    created_at = models.DateTimeField(_("begun at"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("changed by")
    )
    changed_at = models.DateTimeField(_("changed at"))
    writers = ArrayField(models.BigIntegerField(), default=list, editable=False)  # a trigger writes it
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    submitted_at = models.DateTimeField(_("submitted at"), null=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    published_at = models.DateTimeField(_("published at"), null=True)
    dropped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    dropped_at = models.DateTimeField(_("dropped at"), null=True)
    version = models.OneToOneField(
        PolicyVersion, on_delete=models.PROTECT, null=True, related_name="draft", verbose_name=_("version")
    )

    class Meta:
        verbose_name = _("policy draft")
        verbose_name_plural = _("policy drafts")
        constraints = [
            models.UniqueConstraint(
                fields=["goods_type"],
                condition=Q(state__in=("draft", "submitted")),
                name="one_open_draft_per_goods_type",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "dropped")) | ~Q(title="") & ~Q(why=""),
                name="policy_draft_says_why",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", submitted_by__isnull=True, submitted_at__isnull=True)
                | Q(
                    state__in=("submitted", "published"),
                    submitted_by__isnull=False,
                    submitted_at__isnull=False,
                )
                | Q(state="dropped"),
                name="policy_draft_submitted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="published", published_by__isnull=False, published_at__isnull=False)
                & Q(version__isnull=False)
                | ~Q(state="published")
                & Q(published_by__isnull=True, published_at__isnull=True, version__isnull=True),
                name="policy_draft_published_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="dropped", dropped_by__isnull=False, dropped_at__isnull=False)
                | ~Q(state="dropped") & Q(dropped_by__isnull=True, dropped_at__isnull=True),
                name="policy_draft_dropped_by_somebody",
            ),
            # Maker is not checker: neither who submitted it nor anybody who wrote in it.
            models.CheckConstraint(
                condition=Q(published_by__isnull=True) | ~Q(published_by=F("submitted_by")),
                name="policy_draft_submitted_by_another",
            ),
            models.CheckConstraint(
                condition=Q(published_by__isnull=True) | ~Q(writers__contains=[F("published_by")]),
                name="policy_draft_published_by_another",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="remembers_its_writers",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func=REMEMBERS_ITS_WRITERS,
            ),
            pgtrigger.Trigger(
                name="steps",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func=STEPS,
            ),
            pgtrigger.Trigger(
                name="as_published",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__state="published") & ~pgtrigger.Q(old__state="published"),
                func=AS_PUBLISHED,
            ),
            pgtrigger.Trigger(
                name="tried",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__state="published") & ~pgtrigger.Q(old__state="published"),
                func=TRIED,
            ),
            *never_removed(),
        ]

    def __str__(self) -> str:
        return f"{self.goods_type}: {self.title}" if self.title else self.goods_type

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
