from django.urls import path

from . import casefile, evidence, filing, money, notices, offers, rules, settings, signing_in, views, ways

app_name = "portal"
urlpatterns = [
    path("", views.cases, name="cases"),
    path("login/", signing_in.SignIn.as_view(), name="login"),
    path("logout/", signing_in.SignOut.as_view(), name="logout"),
    path("cases/<str:number>/", views.case, name="case"),
    path("cases/<str:number>/agree/", views.agree, name="agree"),
    path("cases/<str:number>/refuse/", views.refuse, name="refuse"),
    *(path(f"cases/<str:number>/{way}/", offers.offer, {"way": way}, name=way) for way in ways.WAYS),
    path("cases/<str:number>/sealed/", offers.seal, name="sealed"),
    path("cases/<str:number>/appeal/", views.appeal, name="appeal"),
    path("cases/<str:number>/messages/", views.say, name="say"),
    path("cases/<str:number>/evidence/", evidence.give, name="give_evidence"),
    path("orders/", filing.find, name="find_order"),
    path("orders/<str:no>/refund/", filing.refund, name="refund_order"),
    path("cases/<str:number>/file/", casefile.make, name="case_file"),
    path("money/", money.money, name="money"),
    path("money/withdraw/", money.withdraw, name="withdraw"),
    path("money/statement.csv", money.statement_file, name="statement"),
    path("rules/", rules.rules, name="rules"),
    path("notices/", notices.notices, name="notices"),
    path("settings/", settings.settings, name="settings"),
    path("settings/mails/", settings.mails, name="mails"),
    path("settings/webhooks/", settings.add, name="add_webhook"),
    path("settings/webhooks/log/", settings.log, name="webhook_log"),
    path("settings/webhooks/log/<int:delivery_id>/", settings.send_again, name="send_again"),
    path("settings/webhooks/<int:endpoint_id>/rotate/", settings.rotate, name="rotate_webhook"),
    path("settings/webhooks/<int:endpoint_id>/switch/", settings.switch, name="switch_webhook"),
    path("<path:rest>", views.lost, name="lost"),  # a page of ours rather than the API's JSON
]
