from django.urls import include, path

urlpatterns = [path("api/v1/ingest/", include("marketplace.intake.api.urls"))]
