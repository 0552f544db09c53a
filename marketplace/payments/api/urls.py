from django.urls import path

from . import views

app_name = "channels"
urlpatterns = [path("<str:channel>/notify/", views.NotifyView.as_view(), name="notify")]
