"""What staff see only after saying why (requirement K3): a card code, an identity document. Each view is on record."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.http import origin_of
from refunds.evidence.serving import file_response
from refunds.models.evidence import kind_label
from refunds.operations.open_evidence import identity_of, open_identity
from refunds.operations.show_code import show_code
from refunds.permissions import may_do

MOST_REF = 64  # characters of a unit's name


class ReasonForm(forms.Form):
    """Left empty it is the operation's to refuse, in its own words."""

    reason = forms.CharField(
        label=gettext_lazy("Why do you need to see it?"),
        help_text=gettext_lazy("Kept in the audit log with your name, the time and your address."),
        required=False,
        widget=forms.Textarea({"rows": 2, "autofocus": True}),
    )


def code_view(model_admin: Any, request: HttpRequest, number: str) -> HttpResponseBase:
    """GET asks why; the code of ?unit= stands in the answer to the post, once, and nowhere else."""
    user = cast(User, request.user)
    if not (model_admin.has_view_permission(request) and may_do(user, "show_code")):
        raise PermissionDenied
    ref = request.GET.get("unit", "")[:MOST_REF]
    title = _("Code of unit %(unit)s") % {"unit": ref}
    if request.method != "POST":
        return _page(model_admin, request, number, title, ReasonForm())
    form = ReasonForm(request.POST)
    form.is_valid()
    said = {"reason": form.cleaned_data["reason"], "origin": origin_of(request), "now": timezone.now()}
    try:
        code = show_code(number=number, ref=ref, user=user, **said)
    except NotFound:
        messages.warning(request, _("There is no such unit in this case."))
        return _to_case(number)
    except Refusal as refusal:
        form.add_error("reason", str(refusal.detail))
        return _page(model_admin, request, number, title, form, status=refusal.status)
    return _page(model_admin, request, number, title, None, code=code)


def identity_view(model_admin: Any, request: HttpRequest, number: str, position: int) -> HttpResponseBase:
    """GET asks why; the answer to the post is the file itself."""
    user = cast(User, request.user)
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    try:
        evidence = identity_of(number=number, position=position, user=user)
        title = f"{kind_label(evidence.kind)} · {evidence.name}"
        if request.method != "POST":
            return _page(model_admin, request, number, title, ReasonForm())
        form = ReasonForm(request.POST)
        form.is_valid()
        said = {"reason": form.cleaned_data["reason"], "origin": origin_of(request), "now": timezone.now()}
        opened = open_identity(number=number, position=position, user=user, **said)
    except NotFound:
        messages.warning(request, _("There is no such document, or it is not yours to see."))
        return _to_case(number)
    except Refusal as refusal:
        form.add_error("reason", str(refusal.detail))
        return _page(model_admin, request, number, title, form, status=refusal.status)
    return file_response(
        opened.file, name=evidence.name, media_type=evidence.media_type, is_inline=evidence.shown_inline
    )


def _to_case(number: str) -> HttpResponseBase:
    return HttpResponseRedirect(reverse("admin:refunds_refundrequest_case", args=[number]))


def _page(
    model_admin: Any,
    request: HttpRequest,
    number: str,
    title: str,
    form: ReasonForm | None,
    *,
    code: str = "",
    status: int = 200,
) -> HttpResponseBase:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "number": number,
        "form": form,
        "code": code,
    }
    answer = TemplateResponse(request, "desk/sensitive.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
