from django.urls import path

from . import views

app_name = "ingest"
urlpatterns = [
    path("orders/", views.OrdersView.as_view(), name="orders"),
    path("orders/<str:external_no>/events/", views.OrderEventsView.as_view(), name="order-events"),
    path("buyers/<str:external_id>/token/", views.BuyerTokenView.as_view(), name="buyer-token"),
]
