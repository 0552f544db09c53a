from django.urls import path

from .files import evidence_file

urlpatterns = [path("<str:token>/", evidence_file, name="evidence_file")]
