from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IdentityConfig(AppConfig):
    name = "marketplace.identity"
    verbose_name = _("People")
    label = "identity"

    def ready(self) -> None:
        from . import schema  # noqa: F401  (registers the token with the API document)
