"""Evidence on the case page, and the page where staff put in what a party sent another way."""

from typing import Any, NamedTuple, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from refunds.desk_queries import Case
from refunds.evidence_reuse import Reuse, reused
from refunds.evidence_shown import VERIFIERS_ONLY, link_for_user, needed, staff_may_see
from refunds.machine import Party
from refunds.models import Evidence, RefundRequest
from refunds.models.evidence import KIND_CHOICES, kind_label
from refunds.operations.give_evidence import MAX_NOTE, TAKES_EVIDENCE, give_as_staff
from refunds.operations.take_file import Upload
from refunds.permissions import STAFF_PARTIES, is_outside, reach
from refunds.platform_evidence import platform_evidence

SHOWS_AS = {"application/pdf": "link", "video/mp4": "video"}
ACCEPT = ".png,.jpg,.jpeg,.webp,.pdf,.mp4"


class EvidenceForm(forms.Form):
    side = forms.ChoiceField(
        label=gettext_lazy("Whose evidence"),
        choices=[
            (Party.BUYER, Party.BUYER.label),
            (Party.SELLER, Party.SELLER.label),
            ("", gettext_lazy("Found by staff")),
        ],
        initial=Party.BUYER,
        required=False,
        help_text=gettext_lazy("An identity document is the buyer's alone to give."),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KIND_CHOICES)
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        help_text=gettext_lazy("PNG, JPEG, WebP, PDF or MP4. It is cleaned of everything but what it shows."),
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
    )
    note = forms.CharField(
        label=gettext_lazy("What it shows, and how it reached you"),
        required=False,
        max_length=MAX_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class Shown(NamedTuple):
    evidence: Evidence
    kind: Any
    url: str  # "" where this person may not see it
    thumbnail: str
    is_watched: bool  # that it was opened is put on record
    reuses: list[Reuse]
    shows_as: (
        str  # image | video | link, as the lightbox does; what is watched opens only when somebody means it
    )
    icon: str


def evidence_panel(user: User, case: Case) -> dict[str, Any]:
    """For the template desk/case/evidence.html."""
    request = case.request
    rows = list(request.evidence.all())  # read by desk_queries.case
    flags = reused(request.pk) if rows and not is_outside(user) else {}  # they name other cases
    units = [unit for unit in case.units if unit.pk in case.covered]
    return {
        "evidence": [_shown(row, user, flags.get(row.pk, [])) for row in rows],
        "evidence_needed": [
            (kind_label(each["kind"]), each["satisfied"]) for each in needed(request, case.decision)
        ],
        "platform_evidence": platform_evidence(request.order, case.captures, units, request.messages.all()),
        "may_give_evidence": user.role in STAFF_PARTIES and request.state in TAKES_EVIDENCE,
    }


def _shown(row: Evidence, user: User, reuses: list[Reuse]) -> Shown:
    may_see, is_watched = staff_may_see(user, row.kind), row.kind in VERIFIERS_ONLY
    now = timezone.now()
    if not may_see:
        url = ""
    elif is_watched:  # it opens for a reason
        url = reverse("admin:refunds_refundrequest_identity", args=[row.request.number, row.position])
    else:
        url = link_for_user(row, user, now)
    # A thumbnail loads by itself: that would be a view nobody meant.
    has_thumbnail = may_see and row.is_image and not is_watched
    small = link_for_user(row, user, now, is_small=True) if has_thumbnail else ""
    shows_as = "link" if is_watched else SHOWS_AS.get(row.media_type, "image")
    icon = "lock" if is_watched else "movie" if shows_as == "video" else "description"
    return Shown(row, kind_label(row.kind), url, small, is_watched, reuses, shows_as, icon)


def evidence_view(model_admin: Any, request: HttpRequest, number: str) -> HttpResponse:
    """GET shows the form, POST gives the file by one operation; what was typed stays where it is refused."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    user = cast(User, request.user)
    row = RefundRequest.objects.filter(reach(user), number=number).first()
    if row is None:
        messages.warning(request, _("There is no case %(number)s.") % {"number": number})
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_changelist"))
    if request.method != "POST":
        return _page(model_admin, request, row, EvidenceForm(), 200)
    form = EvidenceForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(model_admin, request, row, form, 422)
    data = form.cleaned_data
    try:
        give_as_staff(
            number=number,
            user=user,
            side=data["side"],
            kind=data["kind"],
            upload=Upload.of(data["file"]),
            note=data["note"],
            now=timezone.now(),
        )
    except NotFound:
        raise
    except Refusal as refusal:
        form.add_error(None, str(refusal.detail))
        return _page(model_admin, request, row, form, refusal.status)
    messages.success(request, _("The file is in the case."))
    return HttpResponseRedirect(reverse("admin:refunds_refundrequest_case", args=[number]) + "#evidence")


def _page(
    model_admin: Any, request: HttpRequest, row: RefundRequest, form: EvidenceForm, status: int
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Add evidence"),
        "request_row": row,
        "form": form,
        "may_give_evidence": cast(User, request.user).role in STAFF_PARTIES and row.state in TAKES_EVIDENCE,
    }
    return TemplateResponse(request, "desk/give_evidence.html", context, status=status)
