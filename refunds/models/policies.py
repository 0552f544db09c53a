"""The rules as published."""

from datetime import timedelta

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.appendonly import append_only
from marketplace.orders.goods import GoodsType

NOTICE = timedelta(days=7)  # between publication and the day a version comes into force (requirement J5)

# Locking the version before makes two publications of the same goods type wait for each other.
ONE_AFTER_ANOTHER = """
    SELECT v.version, v.in_force_at INTO newest, since FROM refunds_policyversion v
    WHERE v.goods_type = NEW.goods_type ORDER BY v.version DESC LIMIT 1 FOR UPDATE;
    IF NEW.version <> coalesce(newest, 0) + 1 THEN
        RAISE EXCEPTION 'after version % of % comes version %', newest, NEW.goods_type, coalesce(newest, 0) + 1
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_versions_without_gap';
    END IF;
    IF NEW.in_force_at < since THEN
        RAISE EXCEPTION 'a version comes into force no earlier than the one before it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_versions_in_order';
    END IF;
    RETURN NEW;
"""
FROM_A_DRAFT = """
    IF NEW.version > 1 AND NOT EXISTS (
        SELECT 1 FROM refunds_policydraft d WHERE d.version_id = NEW.id AND d.state = 'published'
    ) THEN
        RAISE EXCEPTION 'a version is published from the draft that two persons made'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_version_from_a_draft';
    END IF;
    RETURN NULL;
"""


class PolicyVersion(models.Model):
    """Terms of one goods type as published; in force from a day on, never edited (requirement J5).

    Version 1 comes with its goods type, by a migration: before it there were no rules that anybody could have counted
    on, so it needs no notice and no draft. Every later one does.
    """

    goods_type = models.CharField(_("goods type"), max_length=32, choices=GoodsType)
    version = models.PositiveIntegerField(_("version"))
    terms = models.JSONField(_("terms"))  # validated by refunds.policy.Terms
    in_force_at = models.DateTimeField(_("in force from"))
    published_at = models.DateTimeField(_("published at"))

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        constraints = [
            models.UniqueConstraint(fields=["goods_type", "version"], name="policy_version_once"),
            models.CheckConstraint(
                condition=Q(version=1) | Q(in_force_at__gte=F("published_at") + NOTICE),
                name="policy_published_ahead",
            ),
        ]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="one_after_another",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("newest", "int"), ("since", "timestamptz")],
                func=ONE_AFTER_ANOTHER,
            ),
            pgtrigger.Trigger(
                name="from_a_draft",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func=FROM_A_DRAFT,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.goods_type}@{self.version}"
