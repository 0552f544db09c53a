"""Evidence of a case as its seller may see it, and the seller's own."""

from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from refunds.evidence_shown import VERIFIERS_ONLY, link_for_user
from refunds.machine import Party
from refunds.models import Evidence, RefundRequest
from refunds.models.evidence import kind_label
from refunds.operations.give_evidence import MAX_NOTE, TAKES_EVIDENCE, give_as_seller, kinds_for
from refunds.operations.take_file import Upload
from refunds.platform_evidence import platform_evidence
from sellers.models import Membership

from .access import for_member
from .case import load

ACCEPT = ".png,.jpg,.jpeg,.webp,.pdf,.mp4"


class EvidenceForm(forms.Form):
    kind = forms.ChoiceField(
        label=gettext_lazy("What it is"),
        choices=[(code, kind_label(code)) for code in kinds_for(Party.SELLER)],
        error_messages={"required": gettext_lazy("Choose what it is.")},
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        help_text=gettext_lazy(
            "PNG, JPEG, WebP or PDF up to 10 MB, MP4 up to 50 MB. The buyer and the platform see it."
        ),
        error_messages={"required": gettext_lazy("Choose a file first.")},
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
    )
    note = forms.CharField(
        label=gettext_lazy("What it shows (optional)"),
        required=False,
        max_length=MAX_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class Shown(NamedTuple):
    evidence: Evidence
    kind: Any
    who: Any
    url: str
    thumbnail: str


def evidence_shown(case: RefundRequest, user: User) -> dict[str, Any]:
    """For the template portal/case/evidence.html, of a case as case.shown() has read it."""
    units = [item.unit for item in case.items.all()]
    return {
        # An identity document is between the buyer and those who verify it.
        "evidence": [_shown(row, user) for row in case.evidence.all() if row.kind not in VERIFIERS_ONLY],
        "platform_evidence": platform_evidence(
            case.order, case.order.captures.all(), units, case.messages.all()
        ),
        "takes_evidence": case.state in TAKES_EVIDENCE,
    }


def _shown(row: Evidence, user: User) -> Shown:
    now = timezone.now()
    small = link_for_user(row, user, now, is_small=True) if row.is_image else ""
    who = _("You") if row.user_id == user.pk else Party(row.by).label
    return Shown(row, kind_label(row.kind), who, link_for_user(row, user, now), small)


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest, membership: Membership, number: str) -> HttpResponse:
    """GET shows the form by itself, POST gives the file; what was typed stays where it is refused."""
    case = load(membership.user, number)
    if request.method != "POST":
        return _page(request, membership, case, EvidenceForm())
    form = EvidenceForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, membership, case, form, status=422)
    data = form.cleaned_data
    try:
        give_as_seller(
            number=number,
            user=membership.user,
            kind=data["kind"],
            upload=Upload.of(data["file"]),
            note=data["note"],
            now=timezone.now(),
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(request, membership, case, form, refusal=str(refusal.detail), status=refusal.status)
    messages.success(request, _("Done: the file is in the case."))
    return redirect("portal:case", number)


def _page(
    request: HttpRequest,
    membership: Membership,
    case: RefundRequest,
    form: EvidenceForm,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "membership": membership,
        "case": case,
        "order": case.order,
        "form": form,
        "refusal": refusal,
        "takes_evidence": case.state in TAKES_EVIDENCE,
    }
    return render(request, "portal/give_evidence.html", context, status=status)
