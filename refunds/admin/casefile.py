"""The page where staff make the file of a case: for whom, in which language, and what was made before."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from refunds.casefile.purposes import CONTENTS, Language, Purpose, warning
from refunds.models import CaseFileMade, RefundRequest
from refunds.operations.make_case_file import make_as_staff
from refunds.permissions import reach

SHOWN = 20  # of the files made before


class CaseFileForm(forms.Form):
    purpose = forms.ChoiceField(
        label=gettext_lazy("For whom"),
        choices=Purpose.choices,
        widget=forms.RadioSelect,
        initial=Purpose.ARBITRATION,
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=Language.choices)
    form = forms.ChoiceField(
        label=gettext_lazy("As"),
        choices=[
            (CaseFileMade.Form.ZIP, gettext_lazy("ZIP: the PDF, the files and their hashes")),
            (CaseFileMade.Form.PDF, gettext_lazy("PDF alone")),
        ],
    )
    with_notes = forms.BooleanField(
        label=gettext_lazy("With internal notes and names"),
        required=False,
        help_text=gettext_lazy("For arbitration alone, and never to be handed to a party."),
    )


def casefile_view(model_admin: Any, request: HttpRequest, number: str) -> HttpResponseBase:
    """GET shows the form, POST makes the file by one operation and sends it."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    user = cast(User, request.user)
    row = RefundRequest.objects.select_related("order").filter(reach(user), number=number).first()
    if row is None:
        messages.warning(request, _("There is no case %(number)s.") % {"number": number})
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_changelist"))
    if request.method != "POST":
        form = CaseFileForm(initial={"language": request.LANGUAGE_CODE}, auto_id="file-%s")
        return _page(model_admin, request, row, form, 200)
    form = CaseFileForm(request.POST, auto_id="file-%s")
    if not form.is_valid():
        return _page(model_admin, request, row, form, 422)
    try:
        made = make_as_staff(number=number, user=user, now=timezone.now(), **form.cleaned_data)
    except NotFound:
        raise
    except Refusal as refusal:
        form.add_error(None, str(refusal.detail))
        return _page(model_admin, request, row, form, refusal.status)
    return FileResponse(made.file, as_attachment=True, filename=made.name, content_type=made.media_type)


def _page(
    model_admin: Any, request: HttpRequest, row: RefundRequest, form: CaseFileForm, status: int
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Case file"),
        "request_row": row,
        "form": form,
        "purposes": [
            (tag, CONTENTS[code].what_for, warning(code, row))
            for tag, code in zip(form["purpose"], Purpose.values, strict=True)
        ],
        "made": [
            (each, Purpose(each.purpose).label)
            for each in row.case_files.select_related("user").order_by("-id")[:SHOWN]
        ],
    }
    return TemplateResponse(request, "desk/casefile.html", context, status=status)
