from django.apps import AppConfig


class RiskConfig(AppConfig):
    name = "marketplace.risk"
    label = "risk"
