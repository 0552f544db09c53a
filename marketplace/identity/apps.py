from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IdentityConfig(AppConfig):
    name = "marketplace.identity"
    verbose_name = _("People")
    label = "identity"

    def ready(self) -> None:
        from . import hooks, schema  # noqa: F401  (hooks hears sign-ins; schema registers the token with the API document)
