from django.urls import path

from . import signing_in, views

app_name = "portal"
urlpatterns = [
    path("", views.cases, name="cases"),
    path("login/", signing_in.SignIn.as_view(), name="login"),
    path("logout/", signing_in.SignOut.as_view(), name="logout"),
    path("cases/<str:number>/", views.case, name="case"),
    path("cases/<str:number>/agree/", views.agree, name="agree"),
    path("cases/<str:number>/refuse/", views.refuse, name="refuse"),
    path("cases/<str:number>/messages/", views.say, name="say"),
    path("<path:rest>", views.lost, name="lost"),  # a page of ours rather than the API's JSON
]
