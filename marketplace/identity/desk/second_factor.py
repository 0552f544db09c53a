"""Setting the second factor up, renewing its recovery codes, and removing it: one page, one form a move."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.http import origin_of

from .. import totp
from ..models import RecoveryCode, User
from ..operations import second_factor, staff_sessions
from . import qr
from .gate import is_required, session_of
from .step_up import PROOF, ask_proof, is_proved, proof_field

START, CONFIRM, RENEW, REMOVE = "start", "confirm", "renew", "remove"


class CodeForm(forms.Form):
    """The code the app shows now."""

    code = forms.CharField(
        max_length=16, widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("The six digits the app shows now")


def second_factor_view(site: Any, request: HttpRequest) -> HttpResponse:
    """What was refused comes back with its reason; recovery codes stand in the answer to the post, and nowhere else."""
    move = request.POST.get("move", "") if request.method == "POST" else ""
    form = _form(request, move) if move in (START, CONFIRM, RENEW, REMOVE) else None
    if form is None or not form.is_valid():
        return _page(site, request, move, form, status=422 if form else 200)
    try:
        if move != CONFIRM and not is_proved(request, form):
            return _page(site, request, move, form, status=422)
        codes = _act(request, move, form)
    except Refusal as refusal:
        form.add_error(None, str(refusal.detail))
        return _page(site, request, move, form, status=refusal.status)
    if codes:
        return _page(site, request, "", None, status=200, codes=codes)
    if move == REMOVE:
        messages.success(request, _("The second factor is removed. Your password alone signs you in."))
    return HttpResponseRedirect(reverse("admin:second_factor"))


def _act(request: HttpRequest, move: str, form: forms.Form) -> list[str]:
    """The recovery codes to show, where there are new ones. Raises Refusal."""
    user, origin, now = cast(User, request.user), origin_of(request), timezone.now()
    if move == START:
        second_factor.begin(user=user, now=now)
    elif move == CONFIRM:
        codes = second_factor.confirm(user=user, typed=form.cleaned_data["code"], origin=origin, now=now)
        staff_sessions.admit(session_of(request), now=now)
        return codes
    elif move == RENEW:
        return second_factor.renew_codes(user=user, origin=origin, now=now)
    else:
        second_factor.remove(user=user, origin=origin, now=now)
    return []


def _form(request: HttpRequest, move: str, *, is_bound: bool = True) -> forms.Form:
    """Starting wants a proof that is fresh; renewing and removing one of their own, whenever the last was."""
    data = request.POST if is_bound else None
    form: forms.Form = (CodeForm if move == CONFIRM else forms.Form)(data, auto_id=f"{move}-%s")
    if move == START:
        ask_proof(request, form)
    elif move in (RENEW, REMOVE):
        form.fields[PROOF] = proof_field(second_factor.is_enrolled(cast(User, request.user)))
    return form


def _page(
    site: Any, request: HttpRequest, tried: str, form: Any, *, status: int, codes: list[str] | None = None
) -> HttpResponse:
    user = cast(User, request.user)
    is_enrolled = second_factor.is_enrolled(user)
    secret = None if is_enrolled else second_factor.begun(user)
    moves = (RENEW, REMOVE) if is_enrolled else (CONFIRM, START) if secret else (START,)
    context = {
        **site.each_context(request),
        "title": _("Second factor"),
        "is_enrolled": is_enrolled,
        "is_required": is_required(),
        "codes": codes,
        "codes_left": RecoveryCode.objects.filter(user=user, used_at__isnull=True).count(),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)) if secret else "",
        "qr": qr.drawn(totp.address(secret, user.get_username())) if secret else None,
        "forms": {
            move: form if move == tried and form else _form(request, move, is_bound=False) for move in moves
        },
        "tried": tried,
    }
    answer = TemplateResponse(request, "desk/account/second_factor.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
