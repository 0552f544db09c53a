from django.urls import path

from . import views

urlpatterns = [
    path("orders/", views.Orders.as_view()),
    path("orders/<str:no>/", views.OrderDetail.as_view()),
    path("orders/<str:no>/units/<str:ref>/reveal/", views.Reveal.as_view()),
]
