"""Where everything is."""

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from marketplace.kernel import health
from refunds.admin.saved_views import start_page

v1 = [
    path("", include("marketplace.identity.api.urls")),
    path("", include("refunds.api.urls")),
    path("", include("marketplace.orders.api.urls")),
    path("", include("marketplace.notices.api.urls")),
    path("ingest/", include("marketplace.intake.api.urls")),
]

_docs = SpectacularSwaggerSplitView.as_view(url_name="schema")

# In the admin's own namespace, before its first page: a person may start with a list instead.
desk = [path("", admin.site.admin_view(start_page), name="index"), *admin.site.get_urls()]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="portal:cases")),
    path("admin/", (desk, "admin", "admin")),
    path("portal/", include("sellers.portal.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include(v1)),
    path("channels/", include("marketplace.payments.api.urls")),
    path("evidence/", include("refunds.api.file_urls")),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    # Swagger UI writes style attributes; nothing else is loosened for it.
    path("api/docs/", csp_update({"style-src": [UNSAFE_INLINE]})(_docs), name="docs"),
    path("health/live/", health.live),
    path("health/ready/", health.ready),
]

handler400 = "marketplace.kernel.problems.bad_request"
handler403 = "marketplace.kernel.problems.forbidden"
handler404 = "marketplace.kernel.problems.not_found"
handler500 = "marketplace.kernel.problems.server_error"
