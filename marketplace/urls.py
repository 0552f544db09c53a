"""Where everything is."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from marketplace.kernel import health

v1 = [
    path("", include("marketplace.identity.api.urls")),
    path("", include("refunds.api.urls")),
    path("", include("marketplace.orders.api.urls")),
    path("ingest/", include("marketplace.intake.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="portal:cases")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include(v1)),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("health/live/", health.live),
    path("health/ready/", health.ready),
]

if (settings.BASE_DIR / "sellers/portal/urls.py").exists():
    urlpatterns.append(path("portal/", include("sellers.portal.urls")))

handler400 = "marketplace.kernel.problems.bad_request"
handler404 = "marketplace.kernel.problems.not_found"
handler500 = "marketplace.kernel.problems.server_error"
