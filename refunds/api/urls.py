from django.urls import path

from . import views

urlpatterns = [
    path("refund-requests/", views.RefundRequests.as_view()),
    path("refund-requests/<str:number>/", views.RefundRequestDetail.as_view()),
    path("refund-requests/<str:number>/messages/", views.Messages.as_view()),
    path("refund-requests/<str:number>/withdraw/", views.Withdraw.as_view()),
    path("orders/<str:no>/refund-eligibility/", views.Eligibility.as_view()),
    path("orders/<str:no>/one-click-refund/", views.OneClickRefund.as_view()),
]
