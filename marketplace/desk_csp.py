"""The content security policy of the desk: looser than the site's by what its front end cannot do without."""

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_EVAL
from django.http import HttpRequest, HttpResponse

# Alpine compiles the expressions in its attributes. Inline scripts and inline styles stay forbidden: the theme's
# colours come from desk/theme.css, and htmx is told to write no style of its own (templates/admin/base_site.html).
DESK = {"script-src": [SELF, UNSAFE_EVAL]}


class DeskPolicy:
    """Middleware, listed after CSPMiddleware. It looks at the route, so moving the desk moves the policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and match.app_name == "admin":
            response._csp_replace = DESK  # type: ignore[attr-defined]
        return response
