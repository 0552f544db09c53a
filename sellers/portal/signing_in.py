"""Signing in and out, for sellers' people alone."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from marketplace.identity.locks import locked_for
from marketplace.identity.models import User

from .access import membership_of, no_seller

NO_SELLER = "no_seller"


class SignInForm(AuthenticationForm):
    """A right password is not enough: staff would enter here without the checks of their own sign-in."""

    error_messages = {
        "invalid_login": _("User name or password is not right. Both are case-sensitive."),
        "inactive": _("This account is switched off."),
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("User name")
        self.fields["password"].label = _("Password")

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if membership_of(user) is None:
            raise ValidationError(_("This account acts for no seller."), code=NO_SELLER)


class SignIn(LoginView):
    template_name = "portal/login.html"
    form_class = SignInForm
    next_page = "portal:cases"
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if minutes := locked_for(self.request):
            context = self.get_context_data(form=form, locked_for_minutes=minutes)
            return self.render_to_response(context, status=429)
        if form.has_error("__all__", NO_SELLER):
            return no_seller(self.request)
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SignOut(LogoutView):
    next_page = "portal:login"
