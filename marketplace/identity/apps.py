from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "marketplace.identity"
    label = "identity"

    def ready(self) -> None:
        from . import schema  # noqa: F401  (registers the token with the API document)
