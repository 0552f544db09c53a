"""The desk as a site: Django's admin, with a sign-in of two steps and a page for one's own account."""

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from marketplace.kernel.http import origin_of

from ..operations import staff_sessions
from . import account, second_factor, sign_in
from .gate import session_of


class DeskSite(UnfoldAdminSite):  # type: ignore[misc]
    def extra_urls(self) -> list[URLPattern]:
        return [
            path("login/code/", self.login_code, name="login_code"),
            path("account/", self.admin_view(self.account), name="account"),
            path("account/second-factor/", self.admin_view(self.second_factor), name="second_factor"),
        ]

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "app_path": request.get_full_path(),
            "next": reverse("admin:index"),
            **(extra_context or {}),
        }
        view = sign_in.SignIn.as_view(
            authentication_form=self.login_form, extra_context=context, next_page="admin:index"
        )
        return cast(HttpResponse, view(request))

    @method_decorator(never_cache)
    @login_not_required
    def login_code(self, request: HttpRequest) -> HttpResponse:
        return sign_in.code_view(self, request)

    def account(self, request: HttpRequest) -> HttpResponse:
        return account.account_view(self, request)

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        return second_factor.second_factor_view(self, request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer: HttpResponse = super().password_change(request, extra_context)
        if answer.status_code == 302:  # changed: Django leads on to the page that says so
            user: Any = request.user
            staff_sessions.password_changed(
                row=session_of(request), user=user, origin=origin_of(request), now=timezone.now()
            )
        return answer
