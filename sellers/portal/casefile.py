"""The seller's own file of a case."""

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from marketplace.kernel.errors import NotFound, Refusal
from refunds.casefile.purposes import CONTENTS, Language, Purpose, warning
from refunds.models import CaseFileMade, RefundRequest
from refunds.operations.make_case_file import make_as_seller
from sellers.models import Membership

from .access import for_member
from .case import load


class CaseFileForm(forms.Form):
    purpose = forms.ChoiceField(
        label=_("For whom"), choices=Purpose.choices, widget=forms.RadioSelect, initial=Purpose.ARBITRATION
    )
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    form = forms.ChoiceField(
        label=_("As"),
        choices=[
            (CaseFileMade.Form.ZIP, _("ZIP: the PDF, the files and their hashes")),
            (CaseFileMade.Form.PDF, _("PDF alone")),
        ],
    )


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def make(request: HttpRequest, membership: Membership, number: str) -> HttpResponseBase:
    """GET shows the form, POST makes the file and sends it."""
    case = load(membership.user, number)
    if request.method != "POST":
        form = CaseFileForm(initial={"language": request.LANGUAGE_CODE})
        return _page(request, membership, case, form)
    form = CaseFileForm(request.POST)
    if not form.is_valid():
        return _page(request, membership, case, form, status=422)
    try:
        made = make_as_seller(number=number, user=membership.user, now=timezone.now(), **form.cleaned_data)
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(request, membership, case, form, refusal=str(refusal.detail), status=refusal.status)
    return FileResponse(made.file, as_attachment=True, filename=made.name, content_type=made.media_type)


def _page(
    request: HttpRequest,
    membership: Membership,
    case: RefundRequest,
    form: CaseFileForm,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    purposes = [
        (tag, CONTENTS[code].what_for, warning(code, case))
        for tag, code in zip(form["purpose"], Purpose.values, strict=True)
    ]
    context = {
        "membership": membership,
        "case": case,
        "order": case.order,
        "form": form,
        "purposes": purposes,
        "refusal": refusal,
    }
    return render(request, "portal/casefile.html", context, status=status)
