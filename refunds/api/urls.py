from django.urls import path

from marketplace.kernel import converters  # noqa: F401  (registers <name:…>)

from . import appeals, casefile, evidence, offers, public, status, views

urlpatterns = [
    path("refund-requests/", views.RefundRequests.as_view()),
    path("refund-requests/<name:number>/", views.RefundRequestDetail.as_view()),
    path("refund-requests/<name:number>/messages/", views.Messages.as_view()),
    path("refund-requests/<name:number>/withdraw/", views.Withdraw.as_view()),
    path("refund-requests/<name:number>/request-person/", views.RequestPerson.as_view()),
    path("refund-requests/<name:number>/respond-offer/", offers.RespondOffer.as_view()),
    path("refund-requests/<name:number>/sealed-offer/", offers.SealedOffer.as_view()),
    path("refund-requests/<name:number>/appeal/", appeals.FileAppeal.as_view()),
    path("refund-requests/<name:number>/evidence/", evidence.GiveEvidence.as_view()),
    path("refund-requests/<name:number>/resubmit/", evidence.Resubmit.as_view()),
    path("refund-requests/<name:number>/case-file/", casefile.CaseFile.as_view()),
    path("policies/", public.Policies.as_view()),
    path("policies/<name:goods_type>/", public.PolicyDetail.as_view()),
    path("evidence-standards/", public.EvidenceStandards.as_view()),
    path("figures/", public.Figures.as_view()),
    path("sellers/<name:code>/", public.SellerPage.as_view()),
    path("service-status/", status.ServiceStatus.as_view()),
    path("orders/<name:no>/refund-eligibility/", views.Eligibility.as_view()),
    path("orders/<name:no>/one-click-refund/", views.OneClickRefund.as_view()),
]
