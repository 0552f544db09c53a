"""Where everything is."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

v1 = [
    path("", include("marketplace.identity.api.urls")),
    path("", include("refunds.api.urls")),
    path("", include("marketplace.orders.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include(v1)),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]
for prefix, module in (
    ("api/v1/ingest/", "marketplace.intake.api.urls"),
    ("portal/", "sellers.portal.urls"),
):
    try:
        if find_spec(module):
            urlpatterns.append(path(prefix, include(module)))
    except ModuleNotFoundError:
        pass

handler400 = "marketplace.kernel.problems.bad_request"
handler404 = "marketplace.kernel.problems.not_found"
handler500 = "marketplace.kernel.problems.server_error"
