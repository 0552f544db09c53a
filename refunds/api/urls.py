from django.urls import path

from marketplace.kernel import converters  # noqa: F401  (registers <name:…>)

from . import evidence, status, views

urlpatterns = [
    path("refund-requests/", views.RefundRequests.as_view()),
    path("refund-requests/<name:number>/", views.RefundRequestDetail.as_view()),
    path("refund-requests/<name:number>/messages/", views.Messages.as_view()),
    path("refund-requests/<name:number>/withdraw/", views.Withdraw.as_view()),
    path("refund-requests/<name:number>/request-person/", views.RequestPerson.as_view()),
    path("refund-requests/<name:number>/evidence/", evidence.GiveEvidence.as_view()),
    path("refund-requests/<name:number>/resubmit/", evidence.Resubmit.as_view()),
    path("service-status/", status.ServiceStatus.as_view()),
    path("evidence-standards/", evidence.EvidenceStandards.as_view()),
    path("orders/<name:no>/refund-eligibility/", views.Eligibility.as_view()),
    path("orders/<name:no>/one-click-refund/", views.OneClickRefund.as_view()),
]
