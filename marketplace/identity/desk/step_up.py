"""A fresh proof for moves that weigh (K3): a field that a form gains where the last proof is older than ten minutes.

The proof travels with the move, so that nothing typed is lost or kept anywhere, and the move is carried out at once:

    form = PublishForm(request.POST)
    ask_proof(request, form)                       # also where the page is shown
    if form.is_valid() and is_proved(request, form):
        publish(...)

A RecordMove (refunds/admin/record.py) says `needs_step_up=True` and is done.
"""

from datetime import timedelta
from typing import cast

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.kernel.http import origin_of

from ..models import User
from ..operations import staff_sessions
from ..operations.prove import prove
from .gate import session_of

FRESH_FOR = timedelta(minutes=10)
PROOF = "proof"


def proof_field(has_factor: bool) -> forms.CharField:
    """Asks for a code; for the password where no second factor is set up."""
    if has_factor:
        attrs = {"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false"}
        help_text = _("Of your authenticator app. Without the phone, a recovery code.")
        widget: forms.TextInput = forms.TextInput(attrs)
        return forms.CharField(label=_("Your code"), help_text=help_text, max_length=32, widget=widget)
    return forms.CharField(
        label=_("Your password"),
        help_text=_("To show that it is you."),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


def ask_proof(request: HttpRequest, form: forms.Form) -> None:
    """Give `form` the field, where this session's last proof is not fresh."""
    row = session_of(request)
    if timezone.now() - row.proved_at >= FRESH_FOR:
        form.fields[PROOF] = proof_field(row.has_factor)  # type: ignore[attr-defined]


def is_proved(request: HttpRequest, form: forms.Form) -> bool:
    """Of a valid form: whether the proof stands. A wrong one is an error of its field, and counts."""
    if PROOF not in form.fields:
        return True
    user, now = cast(User, request.user), timezone.now()
    try:
        prove(user=user, typed=form.cleaned_data[PROOF], origin=origin_of(request), now=now)
    except Refusal as refusal:
        form.add_error(PROOF, str(refusal.detail))
        return False
    staff_sessions.prove_anew(session_of(request), now=now)
    del form.fields[PROOF]  # should the move be refused, it is not asked for again
    return True
