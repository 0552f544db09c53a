"""The rules as published: by goods type what holds, what comes and what is being written; and a page for each version."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from refunds.models import PolicyDraft, PolicyVersion
from refunds.operations.draft_policy import draft_policy
from refunds.operations.drafting import MAY_EDIT
from refunds.policy_queries import after, before, in_force_version, shelves

from .looks import DRAFTS, VERSIONS, look_badge
from .policy_parts import changes_panel, difference, terms_panel, text_panel
from .record import Fact, RecordAdmin, RecordMove, in_words


def _begin(row: PolicyVersion, user: User, data: Mapping[str, Any], now: datetime) -> PolicyDraft:
    return draft_policy(goods_type=row.goods_type, user=user, now=now, terms_of=row)


BEGIN = RecordMove(
    _("Begin a draft with these terms"), _("It will follow the newest version, whichever that is."),
    "edit_note", "calm", forms.Form, _begin, _("Begun. Nobody but staff sees it before it is published."),
)  # fmt: skip


@admin.register(PolicyVersion)
class PolicyVersionAdmin(RecordAdmin):
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """By goods type in place of a list of rows."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Policies"),
            "opts": self.opts,
            "shelves": [
                {**shelf._asdict(), "badge": look_badge(DRAFTS[shelf.draft.state]) if shelf.draft else ""}
                for shelf in shelves(timezone.now())
            ],
            "may_edit": request.user.has_perm(MAY_EDIT),
            "may_see_drafts": request.user.has_perm("refunds.view_policydraft"),
        }
        return TemplateResponse(request, "desk/policies/list.html", context)

    def badge(self, row: PolicyVersion) -> str:
        now = timezone.now()
        current = in_force_version(row.goods_type, now)
        state = "coming" if row.in_force_at > now else "in_force" if current == row else "past"
        return look_badge(VERSIONS[state])

    def facts(self, request: HttpRequest, row: PolicyVersion) -> list[Fact]:
        draft, following = _draft(row), after(row)
        found = [
            Fact(_("Goods type"), row.get_goods_type_display()),
            Fact(_("In force from"), in_words(row.in_force_at) if draft else gettext("the beginning")),
            Fact(
                _("Until"),
                in_words(following.in_force_at) if following else gettext("another takes its place"),
            ),
            Fact(_("What changes when"), _on_its_day(row)),
            Fact(_("Title"), draft.title if draft else gettext("The first terms")),
            Fact(_("Why"), draft.why if draft else ""),
            Fact(_("Written by"), _writers(draft)),
            Fact(_("Published by"), draft.published_by if draft else gettext("came with the program")),
            Fact(_("Published at"), in_words(row.published_at) if draft else ""),
            Fact(_("Draft"), _link(draft) if draft else ""),
        ]
        return [fact for fact in found if fact.value]

    def panels(self, request: HttpRequest, row: PolicyVersion) -> list[str]:
        former = before(row)
        changes = difference(former.terms, row.terms) if former else []
        title = gettext("What changed against %(base)s") % {"base": former}
        return [
            *([changes_panel(title, changes)] if former else []),
            text_panel(row.terms),
            terms_panel(row.terms, former.terms if former else row.terms),
        ]

    def moves(self, request: HttpRequest, row: PolicyVersion) -> Mapping[str, RecordMove]:
        return {"begin": BEGIN} if request.user.has_perm(MAY_EDIT) else {}

    def after(self, row: PolicyVersion) -> str:
        """To the draft that was begun."""
        draft = PolicyDraft.objects.get(goods_type=row.goods_type, state__in=PolicyDraft.OPEN)
        return reverse("admin:refunds_policydraft_change", args=[draft.pk])


def _draft(row: PolicyVersion) -> PolicyDraft | None:
    return PolicyDraft.objects.filter(version=row).select_related("published_by").first()


def _on_its_day(row: PolicyVersion) -> str:
    former = before(row)
    if former is None:
        return gettext("It was the first.")
    count = len(difference(former.terms, row.terms))
    known = {"day": f"{timezone.localtime(row.in_force_at):%Y-%m-%d}", "base": former, "count": count}
    return (
        ngettext(
            "On %(day)s it takes the place of %(base)s: %(count)d term changes. Orders paid before keep the kinder of"
            " the two.",
            "On %(day)s it takes the place of %(base)s: %(count)d terms change. Orders paid before keep the kinder of"
            " the two.",
            count,
        )
        % known
    )


def _writers(draft: PolicyDraft | None) -> str:
    if draft is None:
        return ""
    found = User.objects.filter(pk__in=draft.writers).order_by("pk").values_list("username", flat=True)
    return ", ".join(found)


def _link(draft: PolicyDraft) -> str:
    url = reverse("admin:refunds_policydraft_change", args=[draft.pk])
    return format_html('<a href="{}">{}</a>', url, gettext("As it was submitted"))
