from django.urls import path

from . import views

urlpatterns = [
    path("notifications/", views.Notifications.as_view()),
    path("notifications/read/", views.Read.as_view()),
    path("notifications/preferences/", views.Preferences.as_view()),
]
