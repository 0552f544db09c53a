from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "marketplace.intake"
    label = "intake"
