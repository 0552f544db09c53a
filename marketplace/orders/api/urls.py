from django.urls import path

from marketplace.kernel import converters  # noqa: F401  (registers <name:…>)

from . import views

urlpatterns = [
    path("orders/", views.Orders.as_view()),
    path("orders/<name:no>/", views.OrderDetail.as_view()),
    path("orders/<name:no>/units/<name:ref>/reveal/", views.Reveal.as_view()),
]
