"""Signing in at the desk: a password, then a code where a second factor is set up. axes counts both."""

from typing import Any, cast

from django import forms
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminTextInputWidget

from marketplace.kernel.errors import Refusal
from marketplace.kernel.http import origin_of

from ..hooks import SESSION
from ..locks import locked_for
from ..models import User
from ..operations import staff_sessions
from ..operations.prove import prove
from ..operations.second_factor import is_enrolled
from .step_up import PROOF, proof_field

HELD = "password_shown"  # in a session nobody is signed in to: who has shown a password, and until when it counts
HELD_SECONDS = 300
BACKEND = "marketplace.identity.backends.RoleBackend"


class SignIn(LoginView):
    """The first page. With a second factor a right password signs nobody in: it leads to the second page."""

    template_name = "admin/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if not is_enrolled(user):
            return super().form_valid(form)
        until = timezone.now().timestamp() + HELD_SECONDS
        self.request.session.cycle_key()
        self.request.session[HELD] = {"user": user.pk, "until": until, "next": self.get_success_url()}
        return HttpResponseRedirect(reverse("admin:login_code"))

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if not (minutes := locked_for(self.request)):
            return super().form_invalid(form)
        text = _("Too many attempts. Wait %(n)d minutes, then try again.") % {"n": minutes}
        form.errors.clear()
        form.add_error(None, text)
        return self.render_to_response(self.get_context_data(form=form), status=429)


class CodeForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = proof_field(has_factor=True)
        attrs = {**field.widget.attrs, "autofocus": True, "inputmode": "text"}
        field.widget = UnfoldAdminTextInputWidget(attrs)
        self.fields[PROOF] = field


def code_view(site: Any, request: HttpRequest) -> HttpResponse:
    """The second page, for who has shown a password, and for a session that has not been asked yet."""
    user = _who(request)
    if user is None:
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound:
        try:
            if form.is_valid():
                typed = form.cleaned_data[PROOF]
                prove(user=user, typed=typed, origin=origin_of(request), now=timezone.now(), is_sign_in=True)
                return _let_in(request, user)
            status = 422
        except Refusal as refusal:
            form.add_error(PROOF, str(refusal.detail))
            status = refusal.status
    context = {
        **site.each_context(request),
        "title": _("Log in"),
        "form": form,
        "who": user,
        "next": request.GET.get("next", ""),
    }
    return TemplateResponse(request, "admin/login_code.html", context, status=status)


def _who(request: HttpRequest) -> User | None:
    held = request.session.get(HELD)
    if held and held["until"] > timezone.now().timestamp():
        return User.objects.filter(pk=held["user"], is_active=True, is_staff=True).first()
    row = getattr(request, "staff_session", None)
    return (
        cast(User, request.user) if row is not None and row.has_factor and not row.second_factor_at else None
    )


def _let_in(request: HttpRequest, user: User) -> HttpResponse:
    held = request.session.pop(HELD, None)
    if held:
        login(request, user, backend=BACKEND)
    row = staff_sessions.found(request.session[SESSION])
    assert row is not None
    staff_sessions.admit(row, now=timezone.now())
    to = held["next"] if held else request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(to, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(to if is_ours else reverse("admin:index"))
