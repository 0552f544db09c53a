"""A draft of the rules: written beside what the public will read, submitted, and published by another person."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.language import language
from marketplace.orders.goods import GoodsType
from refunds.models import PolicyDraft
from refunds.operations.draft_policy import draft_policy
from refunds.operations.drafting import MAY_EDIT, MAY_PUBLISH, newest_version
from refunds.operations.drop_draft import drop_draft
from refunds.operations.edit_draft import edit_draft
from refunds.operations.publish_draft import publish_draft
from refunds.operations.rebase_draft import rebase_draft
from refunds.operations.submit_draft import submit_draft, take_back
from refunds.policy.term_changes import name
from refunds.policy.term_errors import errors_in
from refunds.policy.term_table import TERMS

from .draft_form import DraftForm, kind_names
from .lab import backtest_moves, lab_panel
from .looks import DRAFTS, look_badge
from .policy_parts import changes_panel, difference, terms_panel, text_panel
from .record import Fact, RecordAdmin, RecordMove, in_words

State = PolicyDraft.State


class PublishForm(forms.Form):
    """The submission that was read, so that another one is not published unread."""

    seen_at = forms.DateTimeField(widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("Reason, where it drifts too far"),
        help_text=_(
            "A supervisor's, for a draft under which more cases end otherwise than the limit allows. It is kept."
        ),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class BeginForm(forms.Form):
    goods_type = forms.ChoiceField(label=_("Goods type"), choices=GoodsType.choices)


def _begin(_row: None, user: User, data: Mapping[str, Any], now: datetime) -> PolicyDraft:
    return draft_policy(goods_type=data["goods_type"], user=user, now=now)


def _save(row: PolicyDraft, user: User, data: Mapping[str, Any], now: datetime) -> None:
    wanted = ("terms", "title", "why", "in_force_at", "seen_at")
    edit_draft(draft_id=row.pk, user=user, now=now, **{name: data[name] for name in wanted})


def _submit(row: PolicyDraft, user: User, data: Mapping[str, Any], now: datetime) -> None:
    submit_draft(draft_id=row.pk, user=user, now=now)


def _publish(row: PolicyDraft, user: User, data: Mapping[str, Any], now: datetime) -> None:
    publish_draft(draft_id=row.pk, user=user, seen_at=data["seen_at"], now=now, override_note=data["note"])


def _take_back(row: PolicyDraft, user: User, data: Mapping[str, Any], now: datetime) -> None:
    take_back(draft_id=row.pk, user=user)


def _rebase(row: PolicyDraft, user: User, data: Mapping[str, Any], now: datetime) -> None:
    rebase_draft(draft_id=row.pk, user=user, now=now)


def _drop(row: PolicyDraft, user: User, data: Mapping[str, Any], now: datetime) -> None:
    drop_draft(draft_id=row.pk, user=user, now=now)


BEGIN = RecordMove(
    _("Begin a draft"), _("It begins with the terms of the newest version of these goods."),
    "edit_note", "calm", BeginForm, _begin, _("Begun. Nobody but staff sees it before it is published."),
)  # fmt: skip
SUBMIT = RecordMove(
    _("Submit it"), _("Its terms, words and day stay as they are saved. Another person publishes it, or gives it back."),
    "send", "good", forms.Form, _submit, _("Submitted. Another person may publish it now."),
)  # fmt: skip
PUBLISH = RecordMove(
    _("Publish it"),
    _("Everybody is told at once; from its day on it is the rule. It cannot be taken back, only followed by another."),
    "campaign", "good", PublishForm, _publish, _("Published. It is announced from now on."), needs_step_up=True,
)  # fmt: skip
TAKE_BACK = RecordMove(
    _("Give it back to be changed"), _("It is a draft again, and must be submitted anew."),
    "undo", "calm", forms.Form, _take_back, _("It is a draft again."),
)  # fmt: skip
REBASE = RecordMove(
    _("Carry its changes over"), _("To the version published since, whose other terms it takes. Read it again then."),
    "merge", "good", forms.Form, _rebase, _("Carried over. Read it again before you submit it."),
)  # fmt: skip
DROP = RecordMove(
    _("Drop it"), _("It comes to nothing, and stays to be read."),
    "delete", "bad", forms.Form, _drop, _("Dropped."),
)  # fmt: skip


@admin.register(PolicyDraft)
class PolicyDraftAdmin(RecordAdmin):
    adding = BEGIN
    list_display = ("goods_type", "title", "status", "changed_by", "changed_at", "in_force_at", "version")
    list_display_links = ("goods_type", "title")
    list_filter = ("goods_type", "state")
    list_select_related = ("changed_by", "version")
    change_list_template = "desk/clocks/list.html"
    ordering = ("-id",)
    icon = "edit_note"
    about = _("What was written, published and dropped. Each is one version of one goods type's rules.")
    empty = _("No draft has been written.")
    empty_hint = _("A policy editor begins one from the list of policies.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_EDIT))

    def headline(self, row: PolicyDraft) -> str:
        return f"{row.get_goods_type_display()}: {row.title or gettext('Without a title')}"

    def badge(self, row: PolicyDraft) -> str:
        return look_badge(DRAFTS[row.state])

    def facts(self, request: HttpRequest, row: PolicyDraft) -> list[Fact]:
        found = [
            Fact(_("Based on"), row.based_on),
            Fact(_("In force from"), in_words(row.in_force_at)),
            Fact(_("Why"), row.why),
            Fact(_("Written by"), _names(row.writers)),
            Fact(_("Last changed"), f"{row.changed_by}, {in_words(row.changed_at)}"),
            Fact(_("Submitted"), _by(row.submitted_by, row.submitted_at)),
            Fact(_("Published"), _by(row.published_by, row.published_at)),
            Fact(_("Dropped"), _by(row.dropped_by, row.dropped_at)),
        ]
        return [fact for fact in found if fact.value]

    def moves(self, request: HttpRequest, row: PolicyDraft) -> Mapping[str, RecordMove]:
        user = cast(User, request.user)
        edits, publishes = user.has_perm(MAY_EDIT), user.has_perm(MAY_PUBLISH)
        found: dict[str, RecordMove] = {}
        if row.state == State.DRAFT and edits:
            found["save"] = _saving(row)
            found |= {"rebase": REBASE} if _is_superseded(row) else {"submit": SUBMIT}
        elif row.state == State.SUBMITTED:
            if publishes and user.pk not in row.writers:
                seen = {"seen_at": row.submitted_at}
                found["publish"] = PUBLISH._replace(form=partial(PublishForm, initial=seen))
            if edits or publishes:
                found["take_back"] = TAKE_BACK
        found |= backtest_moves(user, row)
        if row.is_open and edits:
            found["drop"] = DROP
        return found

    def after(self, row: PolicyDraft) -> str:
        """A published one leads to its version."""
        row.refresh_from_db()
        if row.version_id is None:
            return super().after(row)
        return reverse("admin:refunds_policyversion_change", args=[row.version_id])

    def _act(self, request: HttpRequest, row: PolicyDraft) -> HttpResponse:
        if request.POST.get("preview") and "save" in self.moves(request, row):
            form = DraftForm(request.POST, draft=row)
            form.is_valid()
            context = {**_preview(row, form.cleaned_data["terms"]), "unsaved": form.has_changed()}
            return TemplateResponse(request, "desk/policies/preview.html", context)
        return super()._act(request, row)

    def _page(
        self,
        request: HttpRequest,
        row: PolicyDraft,
        *,
        tried: tuple[str, Any] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """The editor takes the place of the list of facts; what is tried in vain is previewed as typed."""
        page = cast(TemplateResponse, super()._page(request, row, tried=tried, status=status))
        context = cast(dict[str, Any], page.context_data)
        moves = {name: (name, move, form) for name, move, form in context["moves"]}
        editor = moves.pop("save", (None, None, None))[2]
        tried_terms = editor.cleaned_data["terms"] if editor is not None and editor.is_bound else None
        page.template_name = "desk/policies/draft.html"
        page.context_data = {
            **context,
            **_preview(row, tried_terms or row.terms),
            "moves": list(moves.values()),
            "editor": editor,
            "groups": list(editor.groups()) if editor is not None else [],
            "kinds": kind_names(),
            "terms": terms_panel(row.terms, row.based_on.terms) if editor is None else "",
            "lab": lab_panel(cast(User, request.user), row),
            "notes": _notes(cast(User, request.user), row),
            "back": reverse("admin:refunds_policyversion_changelist"),
        }
        return page

    @admin.display(description=_("state"))
    def status(self, row: PolicyDraft) -> str:
        return self.badge(row)


def _saving(row: PolicyDraft) -> RecordMove:
    form = partial(DraftForm, draft=row)
    return RecordMove(_("Save"), "", "save", "calm", form, _save, _("Saved. Nobody but staff sees it yet."))


def _preview(row: PolicyDraft, terms: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with these terms or, where nothing is, what they change and say."""
    if wrong := errors_in(terms, language()):
        said = [
            (name(TERMS[path], language()) if path in TERMS else path, error) for path, error in wrong.items()
        ]
        return {"wrong": said}
    title = gettext("What changes against %(base)s") % {"base": row.based_on}
    changes = changes_panel(title, difference(row.based_on.terms, terms))
    return {"wrong": [], "changes": changes, "text": text_panel(terms)}


def _notes(user: User, row: PolicyDraft) -> list[str]:
    """Why a move that one might look for is not there."""
    notes = []
    if row.state == State.SUBMITTED and user.has_perm(MAY_PUBLISH) and user.pk in row.writers:
        notes.append(gettext("You had a hand in this draft. Another person publishes it."))
    if row.state == State.DRAFT and _is_superseded(row):
        newest = {"newest": newest_version(row.goods_type)}
        notes.append(
            gettext("%(newest)s was published since. Carry this draft's changes over to it.") % newest
        )
    return notes


def _is_superseded(row: PolicyDraft) -> bool:
    return newest_version(row.goods_type).pk != row.based_on_id


def _names(ids: list[int]) -> str:
    return ", ".join(User.objects.filter(pk__in=ids).order_by("pk").values_list("username", flat=True))


def _by(user: User | None, at: datetime | None) -> str:
    return f"{user}, {in_words(at)}" if user else ""
